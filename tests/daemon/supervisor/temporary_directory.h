// A directory of a test's own, gone with it.
#ifndef TESTS_DAEMON_SUPERVISOR_TEMPORARY_DIRECTORY_H_
#define TESTS_DAEMON_SUPERVISOR_TEMPORARY_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/redoubt-test-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

#endif  // TESTS_DAEMON_SUPERVISOR_TEMPORARY_DIRECTORY_H_
