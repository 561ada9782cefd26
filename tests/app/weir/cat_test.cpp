// weir cat: JSON against the recorded parses, text against postcat, bad input.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/weir/cat.hpp"
#include "codec/queue_walk.hpp"
#include "codec/record.hpp"
#include "support/vectors.hpp"

namespace weir::app {
namespace {

using nlohmann::json;

std::filesystem::path queue_files() { return testing::vectors() / "queue-files"; }

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

json json_of(std::string_view bytes) {
  codec::MemoryBytes source{bytes};
  return json::parse(json_text(source, ""));
}

struct Outcome {
  std::string out;
  int status = -1;
};

Outcome run_command(const std::string& command) {
  Outcome result;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  for (std::size_t size; (size = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    result.out.append(buffer.data(), size);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

TEST(CatJson, GoodFilesAreAsRecorded) {
  const json files = json::parse(file_bytes(queue_files() / "manifest.json"));
  ASSERT_EQ(files.size(), 93U);
  for (const json& row : files) {
    SCOPED_TRACE(row["file"].get<std::string>());
    json shown = json_of(file_bytes(queue_files() / row["file"]));
    EXPECT_EQ(shown["verdict"], "ok");
    EXPECT_TRUE(shown["reason"].is_null());
    if (row.contains("records")) {
      EXPECT_EQ(shown["records"], row["records"]);
    }
    for (const char* key : {"verdict", "reason", "records"}) shown.erase(key);
    EXPECT_EQ(shown, row["expect"]);
  }
}

TEST(CatJson, VerdictIsTheQueueManagers) {
  for (const json& row : json::parse(file_bytes(queue_files() / "malformed/manifest.json"))) {
    SCOPED_TRACE(row["file"].get<std::string>());
    const json shown = json_of(file_bytes(queue_files() / "malformed" / row["file"]));
    const std::string log = row["incoming"]["log"].dump();
    const bool accepted = row["incoming"]["outcome"].get<std::string>().rfind("accepted", 0) == 0;
    const bool incomplete = log.find("missing end record") != log.npos;
    EXPECT_EQ(shown["verdict"], accepted ? "ok" : incomplete ? "incomplete" : "corrupt");
    EXPECT_EQ(shown["reason"].is_null(), accepted);
  }
}

TEST(CatJson, AnEmptyFileHasNothing) {
  const json shown = json_of("");
  EXPECT_EQ(shown["verdict"], "incomplete");
  EXPECT_EQ(shown["reason"], "missing end record");
  EXPECT_TRUE(shown["size"].is_null());
  EXPECT_TRUE(shown["sender"].is_null());
  EXPECT_EQ(shown["recipients"], json::array());
}

TEST(CatJson, BytesThatAreNoTextAreReplaced) {
  std::string file;
  codec::append_record(file, 'S', "a\xff@b");
  EXPECT_EQ(json_of(file)["sender"], "a\xef\xbf\xbd@b");
}

TEST(CatJson, LeftOversAreToldApart) {
  std::string file;
  codec::append_record(file, 'O', "left@over");
  codec::append_record(file, 'E', "");
  EXPECT_EQ(json_of(file)["dangling"]["original"], "left@over");
  EXPECT_FALSE(json_of("").contains("dangling"));
}

// A million turns of a loop of pointers would fill memory: the second jump to the same place ends it.
TEST(CatJson, LoopsEnd) {
  for (const char* name : {"ptr-back-to-start", "ptr-self", "ptr-pair-loop", "milter-heap-loop", "milter-E-removed"}) {
    const json shown = json_of(file_bytes(queue_files() / "malformed" / (std::string{name} + ".queue")));
    EXPECT_EQ(shown["verdict"], "corrupt") << name;
    EXPECT_LT(shown["records"].size(), 100U) << name;
  }
}

TEST(CatText, ShowsEnvelopeContentAndExtractedSegment) {
  std::string file;
  codec::append_record(file, 'C', "9 27 1 0 9 0");
  codec::append_record(file, 'T', "1795340210 5");
  codec::append_record(file, 'M', "");
  ASSERT_EQ(file.size(), 30U);
  codec::append_record(file, 'L', "long ");
  codec::append_record(file, 'N', "line");
  codec::append_record(file, 'X', "");
  codec::append_record(file, 'A', "create_time = 0");
  codec::append_record(file, 'L', "filter:");
  codec::append_record(file, 'E', "");
  codec::MemoryBytes source{file};
  std::ostringstream out, errors;
  print_text(source, "NAME", codec::utc_text, out, errors);
  EXPECT_EQ(out.str(),
            "*** ENVELOPE RECORDS NAME ***\n"
            "message_size: 9 27 1 0 9 0\n"
            "message_arrival_time: Sun Nov 22 09:36:50 2026\n"
            "*** MESSAGE CONTENTS NAME ***\n"
            "long line\n"
            "*** HEADER EXTRACTED NAME ***\n"
            "create_time: Thu Jan  1 00:00:00 1970\n"
            "content_filter: filter:\n"
            "*** MESSAGE FILE END NAME ***\n");
  EXPECT_NE(errors.str().find("weir cat: NAME: corrupt: "), std::string::npos);
}

TEST(CatText, IsWhatPostcatPrints) {
  if (run_command("command -v postcat").status != 0) GTEST_SKIP() << "postcat is not installed";
  for (const auto& entry : std::filesystem::directory_iterator{queue_files()}) {
    if (entry.path().extension() != ".queue") continue;
    const std::string path = entry.path();
    const Outcome theirs = run_command("TZ=UTC postcat " + path + " 2>/dev/null");
    if (theirs.status != 0) GTEST_SKIP() << "postcat does not run here";
    const Outcome ours = run_command("TZ=UTC " WEIR_TOOL " cat " + path);
    EXPECT_EQ(ours.status, 0) << path;
    EXPECT_EQ(ours.out, theirs.out) << path;
  }
}

TEST(CatText, Times) {
  EXPECT_EQ(codec::utc_text(1795340210), "Sun Nov 22 09:36:50 2026");
  EXPECT_EQ(codec::utc_text(-1), "Wed Dec 31 23:59:59 1969");
  EXPECT_EQ(codec::utc_text(951782400), "Tue Feb 29 00:00:00 2000");
  EXPECT_FALSE(codec::utc_text(INT64_MAX).empty());
  EXPECT_FALSE(codec::utc_text(INT64_MIN).empty());
}

TEST(Cat, UnreadableFilesAreNamedAndTheOthersShown) {
  const std::string good = queue_files() / "smtp-1rcpt.queue";
  std::ostringstream out, errors;
  EXPECT_EQ(cat({{"/nonexistent/file", good, "/"}, true}, out, errors), 1);
  EXPECT_EQ(errors.str(),
            "weir cat: /nonexistent/file: No such file or directory\n"
            "weir cat: /: Is a directory\n");
  const json shown = json::parse(out.str());
  EXPECT_EQ(shown["file"], good);
  EXPECT_EQ(shown["verdict"], "ok");
}

TEST(Cat, DamageIsAnAnswerNoFailure) {
  std::ostringstream out, errors;
  EXPECT_EQ(cat({{queue_files() / "malformed/trunc-0.queue"}, false}, out, errors), 0);
  EXPECT_EQ(out.str(), "");
  EXPECT_NE(errors.str().find("trunc-0.queue: incomplete: missing end record\n"), std::string::npos);
}

TEST(Cat, ReadsStandardInput) {
  const std::string file = queue_files() / "smtp-1rcpt.queue";
  const Outcome redirected = run_command(WEIR_TOOL " cat --json - < " + file);
  const Outcome piped = run_command("cat " + file + " | " WEIR_TOOL " cat --json -");
  EXPECT_EQ(piped.status, 0);
  EXPECT_EQ(json::parse(piped.out)["verdict"], "ok");
  EXPECT_EQ(redirected.out, piped.out);
}

TEST(Cat, UsageErrors) {
  EXPECT_NE(run_command(WEIR_TOOL " 2>/dev/null").status, 0);
  EXPECT_NE(run_command(WEIR_TOOL " cat 2>/dev/null").status, 0);
  EXPECT_NE(run_command(WEIR_TOOL " cat --jsom x 2>/dev/null").status, 0);
  EXPECT_EQ(run_command(WEIR_TOOL " cat --help").status, 0);
  EXPECT_EQ(run_command(WEIR_TOOL " cat /nonexistent/file 2>/dev/null").status, 1);
}

TEST(Cat, AFullDiskIsTold) {
  const std::string file = queue_files() / "smtp-1rcpt.queue";
  EXPECT_EQ(run_command(WEIR_TOOL " cat " + file + " 2>/dev/null >/dev/full").status, 1);
}

}  // namespace
}  // namespace weir::app
