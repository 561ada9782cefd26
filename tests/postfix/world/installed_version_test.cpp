// The release of the programs in a daemon directory.
#include "postfix/installed_version.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace weir::postfix {
namespace {

class InstalledVersion : public ::testing::Test {
 protected:
  InstalledVersion() : directory_(std::filesystem::temp_directory_path() / ("wv" + std::to_string(getpid()))) {
    std::filesystem::create_directories(directory_);
  }
  ~InstalledVersion() override { std::filesystem::remove_all(directory_); }

  void program(const std::string& bytes) const { std::ofstream(directory_ / "bounce") << bytes; }
  [[nodiscard]] std::optional<std::string> found() const { return installed_mail_version(directory_.string()); }

  std::filesystem::path directory_;
};

TEST_F(InstalledVersion, IsReadFromTheProgram) {
  program(
      std::string("\x7f"
                  "ELF...\0mail_version=3.10.4\0more",
                  32));
  EXPECT_EQ(found(), "3.10.4");
}

TEST_F(InstalledVersion, SkipsWhatIsNoVersion) {
  program(std::string("mail_version=$x\0 mail_version=3.12-20260821\0", 45));
  EXPECT_EQ(found(), "3.12-20260821");
}

TEST_F(InstalledVersion, IsUnknownWithoutAProgramThatTells) {
  EXPECT_EQ(found(), std::nullopt);
  program("mail_version=3.7.11");  // no end: cut off
  EXPECT_EQ(found(), std::nullopt);
}

TEST(InstalledPostfix, IsOneOfTheTable) {
  const auto version = installed_mail_version("/usr/lib/postfix/sbin");
  if (!version) GTEST_SKIP() << "no Postfix here";
  EXPECT_TRUE(codec::dialect_for(*codec::parse_mail_version(*version)).known) << *version;
}

}  // namespace
}  // namespace weir::postfix
