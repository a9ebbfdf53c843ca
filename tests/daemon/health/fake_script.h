// The script of the fake library (fake_nvml/fake_nvml.cc), in a folder of its own.
#ifndef TESTS_DAEMON_HEALTH_FAKE_SCRIPT_H_
#define TESTS_DAEMON_HEALTH_FAKE_SCRIPT_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace daemon_health {

inline const std::string kFakeNvml = REDOUBT_FAKE_NVML_FOLDER "/libnvidia-ml-fake.so";
inline const std::string kFakeNvmlMinimal =
    REDOUBT_FAKE_NVML_FOLDER "/libnvidia-ml-fake-minimal.so";

class FakeScript {
 public:
  FakeScript() {
    char name[] = "/tmp/redoubt-nvml-XXXXXX";
    fd_ = ::mkstemp(name);
    EXPECT_GE(fd_, 0);
    path_ = name;
    EXPECT_EQ(::setenv("REDOUBT_FAKE_NVML", path_.c_str(), 1), 0);
    write("");
  }
  ~FakeScript() {
    ::close(fd_);
    ::unlink(path_.c_str());
    ::unsetenv("REDOUBT_FAKE_NVML");
  }
  FakeScript(const FakeScript&) = delete;
  FakeScript& operator=(const FakeScript&) = delete;

  // All of it, in place.
  void write(const std::string& lines) {
    lines_ = lines;
    const std::string text = lines + "\nend\n";
    EXPECT_EQ(::pwrite(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(::ftruncate(fd_, static_cast<off_t>(text.size())), 0);
  }
  void append(const std::string& line) { write(lines_ + "\n" + line); }

 private:
  int fd_ = -1;
  std::string path_;
  std::string lines_;
};

}  // namespace daemon_health

#endif  // TESTS_DAEMON_HEALTH_FAKE_SCRIPT_H_
