// One message of every type with every field away from its default, so that a field left out or
// swapped shows.
#ifndef TESTS_DAEMON_IPC_SAMPLES_H_
#define TESTS_DAEMON_IPC_SAMPLES_H_

#include <vector>

#include "daemon/ipc/messages.h"

namespace daemon_ipc {

inline RequestBegin sample_request_begin() {
  RequestBegin m;
  m.id = 0x1122334455667788;
  m.tenant = 7;
  m.kind = RequestKind::kCompletion;
  m.choices = 3;
  m.tokens_max = 512;
  m.tokens_min = 2;
  m.top_logprobs = 20;
  m.logprobs = true;
  m.echo = true;
  m.ignore_end_tokens = true;
  m.include_stop_text = true;
  m.continue_final_message = true;
  m.add_generation_prompt = false;
  m.temperature = 0.5f;
  m.top_k = -40;
  m.top_p = 0.25f;
  m.min_p = 0.125f;
  m.repetition_penalty = 1.5f;
  m.presence_penalty = -1.25f;
  m.frequency_penalty = 1.75f;
  m.seed = 0xFFFFFFFFFFFFFFFF;
  m.time = 1'700'000'001;
  m.body_bytes = 4096;
  return m;
}

inline Events sample_events() {
  Event token;
  token.choice = 1;
  token.token = 1234;
  token.prompt = true;
  token.text = "gr\xC3\xBC\xC3\x9F";
  token.has_logprob = true;
  token.logprob = {1234, -0.5f, "\xFF\x00"};
  token.top = {{1234, -0.5f, "a"}, {9, -2.5f, "\xC3"}};
  Event end;
  end.finish = EventFinish::kError;
  end.prompt_tokens = 10;
  end.completion_tokens = 20;
  end.cached_prompt_tokens = 8;
  end.error = "the engine ran out of road";
  return {42, {token, end}};
}

inline std::vector<Message> samples() {
  return {
      Ready{R"({"model":"m"})"},
      Progress{1, 2, "weights"},
      Alive{99, true, R"({"tokens":5})"},
      PeerChannel{2},
      Drain{30'000},
      Drained{},
      Ping{},
      EngineState{EngineCondition::kDown, "restarting in 4 s", 2},
      Quarantine{std::string(kDigestBytes - 1, 'q') + '\0'},
      Reload{},
      Reloaded{true, "no such key"},
      Weights{1ull << 40, "model kernels"},
      EngineEnded{true, 2},
      PeerLost{3},
      Rejected{"model/x.gguf: piece 7 is not what was signed"},
      Retiring{2, 17},
      AuditChannel{1ull << 63},
      GpuFacts{R"({"gpus":[]})"},
      GpuMetrics{"redoubt_gpu_state 1\n"},
      GpusInUse{{"GPU-8f6d", "GPU-a01c"}},
      Hello{"model", 1'700'000'000, 8'192, 32'000, 8, 16, true, "00ff", "cpu-amx", "11ee"},
      sample_request_begin(),
      RequestBody{7, {std::byte{'{'}, std::byte{0}, std::byte{'}'}}},
      Cancel{7},
      Admitted{7, 11, 500},
      Refused{7, base::ErrorCode::kExhausted, "context_length_exceeded", "messages", "too long"},
      sample_events(),
      RequestResume{7, 2, {1, -1, 151'643}},
      Started{7},
      Append{3, true, "request.admitted", R"({"request":"req-1"})"},
      SealedPiece{3, {std::byte{1}, std::byte{0}}},
      Appended{3},
      Proof{3, 70'000, R"({"index":70000})", "c2sp.org/tlog-proof@v1\n"},
      AuditState{AuditCondition::kFailing, "no space left on device"},
      Cosign{9, "origin\n1\n"},
      Cosigned{9, true, "witness.example, size 1"}};
}

}  // namespace daemon_ipc

#endif  // TESTS_DAEMON_IPC_SAMPLES_H_
