// A directory of a test's own, removed with everything in it.
#ifndef TESTS_PROVISIONING_SCRATCH_DIRECTORY_H_
#define TESTS_PROVISIONING_SCRATCH_DIRECTORY_H_

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "hardening/base/fd.h"
#include "hardening/base/file.h"

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "redoubt-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  void write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = *this / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  std::string read(std::string_view name) const {
    std::ifstream file(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  base::Fd open() const { return base::open_file(path_, O_RDONLY | O_DIRECTORY).value(); }

 private:
  std::string path_;
};

#endif  // TESTS_PROVISIONING_SCRATCH_DIRECTORY_H_
