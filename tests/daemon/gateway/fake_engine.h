// An engine played over the real data channel: deterministic, and obedient to words in the prompt.
//
//   any text     comes back in pieces of up to four characters, one token each, then "stop";
//                "length" at the limit
//   "count N"    N tokens "1 ", "2 ", …
//   "die"        the engine goes away after two tokens
//   "fail"       two tokens, then an error event
//   "full"       refused: kUnavailable
//   "long"       refused: context_length_exceeded
//   "wait"       admitted, then nothing until it is cancelled
//
// All choices of a request go in step. An engine of another model than the usual says "#1 ", "#2 ", …
// What follows an '@' in its name is the version, which clients do not see.
#ifndef TESTS_DAEMON_GATEWAY_FAKE_ENGINE_H_
#define TESTS_DAEMON_GATEWAY_FAKE_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "daemon/ipc/channel.h"

namespace daemon_gateway {

class FakeEngine {
 public:
  // `token_delay_ms` between two tokens of a choice.
  FakeEngine(base::Fd channel, int token_delay_ms, std::string model = kUsualModel);
  ~FakeEngine();
  FakeEngine(const FakeEngine&) = delete;
  FakeEngine& operator=(const FakeEngine&) = delete;

  int cancels() const { return cancels_; }
  bool ended() const { return ended_; }     // it has gone away
  int resumes() const { return resumes_; }  // messages with what a former engine had emitted
  int finished() const { return finished_; }
  std::uint64_t last_seed() const { return last_seed_; }

 private:
  struct Work {
    daemon_ipc::RequestBegin begin;
    std::string body;
    std::vector<std::string> tokens;
    std::string order;     // the word of the prompt that is obeyed
    std::size_t next = 0;  // token
  };

  void run();
  bool take(daemon_ipc::Message message);
  void begin(Work& work);
  bool step(Work& work);  // false: the engine goes away
  bool send(const daemon_ipc::Message& message);

  static constexpr char kUsualModel[] = "fake/model";

  daemon_ipc::Channel channel_;
  int delay_ms_;
  std::string model_;
  std::map<std::uint64_t, Work> works_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::atomic<int> cancels_ = 0;
  std::atomic<int> finished_ = 0;
  std::atomic<int> resumes_ = 0;
  std::atomic<std::uint64_t> last_seed_ = 0;
  std::thread thread_;
};

}  // namespace daemon_gateway

#endif  // TESTS_DAEMON_GATEWAY_FAKE_ENGINE_H_
