// Runs a target without a fuzzing engine: over each file of the folders given, then over a fixed number of mutations of
// it. What is done depends on nothing but the files, so a failure repeats.
//
//   NAME_fuzz [--mutations=N] FILE-OR-FOLDER... [--as-they-are FILE-OR-FOLDER...]
//
// What comes after --as-they-are is not mutated.
//
// A failure names the file and the mutation, and leaves the bytes in the working directory as replay-failure.
#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/mutate.hpp"
#include "fuzz/target.hpp"
#include "sim/prng.hpp"

extern "C" {
void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed)
    __attribute__((weak));
}

namespace {

constexpr std::size_t kGrowthMax = 256;     // bytes that mutations may add
constexpr std::size_t kMutatedMax = 65536;  // larger files are replayed, not mutated
constexpr const char* kFailureFile = "replay-failure";

// What is run at the moment, for whoever has to tell of its end.
std::string current_name;
int current_mutation = 0;
std::string_view current_bytes;

void tell_of_failure() {
  std::fprintf(stderr, "\nreplay: %s, mutation %d (0: the file as it is), %zu bytes, now in ./%s\n",
               current_name.c_str(), current_mutation, current_bytes.size(), kFailureFile);
  if (std::FILE* file = std::fopen(kFailureFile, "wb")) {
    (void)std::fwrite(current_bytes.data(), 1, current_bytes.size(), file);
    (void)std::fclose(file);
  }
}

void aborted(int) {
  tell_of_failure();
  std::signal(SIGABRT, SIG_DFL);
  std::raise(SIGABRT);
}

weir::sim::Prng& prng() {
  static weir::sim::Prng generator{0};
  return generator;
}
std::size_t below(std::size_t bound) { return bound == 0 ? 0 : static_cast<std::size_t>(prng().next() % bound); }

std::uint8_t some_byte(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kTelling{"\0\x01\x7f\x80\xff\n \t0-9$={}", 15};
  const auto kind = below(3);
  if (kind == 0) return static_cast<std::uint8_t>(prng().word());
  if (kind == 1 && size > 0) return data[below(size)];
  return static_cast<std::uint8_t>(kTelling[below(kTelling.size())]);
}

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

// In a buffer of exactly that size, so that a sanitizer sees a byte too many.
void run_exactly(std::string_view bytes) {
  const auto copy = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  current_bytes = {copy.get(), bytes.size()};
  weir::fuzz::run(current_bytes);
  current_bytes = {};
}

std::string mutated(const std::string& bytes, int number) {
  prng() = weir::sim::Prng{hash_of(bytes) + static_cast<std::uint64_t>(number)};
  std::vector<std::uint8_t> buffer(bytes.begin(), bytes.end());
  const std::size_t max = bytes.size() + kGrowthMax;
  buffer.resize(max);
  std::size_t size = bytes.size();
  const auto rounds = 1 + below(4);
  for (std::size_t i = 0; i < rounds; ++i) {
    const bool custom = LLVMFuzzerCustomMutator != nullptr && below(2) == 0;
    size = custom ? LLVMFuzzerCustomMutator(buffer.data(), size, max, prng().word())
                  : LLVMFuzzerMutate(buffer.data(), size, max);
  }
  return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

// What is not a folder, and all that is in one. By the C library, here and in read(): MemorySanitizer knows what its
// functions write, and nothing of what the C++ library does behind its headers.
void add_files(const std::string& place, std::vector<std::string>& files) {
  DIR* folder = opendir(place.c_str());
  if (folder == nullptr) return files.push_back(place);
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") add_files(place + "/" + name, files);
  }
  closedir(folder);
}

std::vector<std::string> files_of(const std::vector<std::string>& places) {
  std::vector<std::string> files;
  for (const std::string& place : places) add_files(place, files);
  std::sort(files.begin(), files.end());
  return files;
}

std::optional<std::string> read(const std::string& name) {
  std::FILE* file = std::fopen(name.c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  std::string bytes;
  std::vector<char> room(1 << 16);
  while (const std::size_t got = std::fread(room.data(), 1, room.size(), file)) bytes.append(room.data(), got);
  const bool good = std::ferror(file) == 0;
  (void)std::fclose(file);
  return good ? std::optional(bytes) : std::nullopt;
}

// How much was run; nothing: a file could not be read.
std::optional<std::uint64_t> replay(const std::vector<std::string>& files, int mutations) {
  std::uint64_t runs = 0;
  for (const std::string& file : files) {
    const auto bytes = read(file);
    if (!bytes) {
      std::fprintf(stderr, "replay: cannot read %s\n", file.c_str());
      return std::nullopt;
    }
    current_name = file;
    const int last = bytes->size() > kMutatedMax ? 0 : mutations;
    for (current_mutation = 0; current_mutation <= last; ++current_mutation) {
      run_exactly(current_mutation == 0 ? *bytes : mutated(*bytes, current_mutation));
      ++runs;
    }
  }
  return runs;
}

}  // namespace

std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size) {
  const std::size_t at = below(size);
  const std::size_t length = std::min(1 + below(8), size - std::min(at, size));
  switch (below(6)) {
    case 0:
      if (size > 0) data[at] = static_cast<std::uint8_t>(data[at] ^ (1U << below(8)));
      return size;
    case 1:
      if (size > 0) data[at] = some_byte(data, size);
      return size;
    case 2:  // a byte more
      if (size >= max_size) return size;
      std::memmove(data + at + 1, data + at, size - at);
      data[at] = some_byte(data, size);
      return size + 1;
    case 3:  // some bytes less
      std::memmove(data + at, data + at + length, size - at - length);
      return size - length;
    case 4: {  // a piece twice
      const std::size_t piece = std::min({1 + below(64), size - at, max_size - size});
      std::memmove(data + at + piece, data + at, size - at);
      return size + piece;
    }
    default: return below(8) == 0 ? at : size;  // cut off
  }
}

int main(int argc, char** argv) {
  constexpr std::string_view kMutations = "--mutations=";
  int mutations = 0;
  std::vector<std::string> places, unmutated;
  bool as_they_are = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, kMutations.size()) == kMutations) {
      const auto digits = argument.substr(kMutations.size());
      if (std::from_chars(digits.data(), digits.data() + digits.size(), mutations).ec != std::errc{}) return 2;
    } else if (argument == "--as-they-are") {
      as_they_are = true;
    } else {
      (as_they_are ? unmutated : places).emplace_back(argument);
    }
  }
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(tell_of_failure);
  std::signal(SIGABRT, aborted);
  const auto runs = replay(files_of(places), mutations);
  const auto more = replay(files_of(unmutated), 0);
  if (!runs || !more) return 2;
  std::printf("%llu runs\n", static_cast<unsigned long long>(*runs + *more));
  return *runs == 0 ? 2 : 0;  // a test that looks at nothing must not pass
}
