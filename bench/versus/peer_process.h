// A peer engine in a process of its own, asked for one measure at a time over a pair of pipes
// (bench/peers.py is the other end).
#ifndef BENCH_VERSUS_PEER_PROCESS_H_
#define BENCH_VERSUS_PEER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/model/measure.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace bench {

class PeerProcess {
 public:
  // Runs `command` (found as a path) and waits until it says that the model is loaded. What it
  // writes to its standard error is dropped: llama.cpp talks there.
  static base::Result<std::unique_ptr<PeerProcess>> start(const std::vector<std::string>& command);
  ~PeerProcess();  // ends it
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  // Tokens per second. kUnavailable when the process died or does not answer in time; it is of no
  // use afterwards.
  base::Result<double> run(const Measure& measure);

  pid_t pid() const { return pid_; }

 private:
  PeerProcess() = default;
  base::Result<std::string> read_line();

  pid_t pid_ = -1;
  base::Fd to_;
  base::Fd from_;
  std::string buffer_;
};

}  // namespace bench

#endif  // BENCH_VERSUS_PEER_PROCESS_H_
