#include "daemon/replay/replay_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/replay/derived_request.h"
#include "daemon/replay/replay_run.h"

namespace daemon_replay {
namespace {

using base::Result;
using base::Status;
using runtime::GenerationRequest;

using Requests = std::vector<GenerationRequest>;

// What there is nothing to have from is skipped; all else that is wrong with it is a finding.
Verdict not_asked(const base::Error& why) {
  Verdict verdict;
  verdict.kind =
      why.code == base::ErrorCode::kNotFound ? Verdict::Kind::kSkipped : Verdict::Kind::kRefused;
  verdict.why = why.message;
  return verdict;
}

class Session {
 public:
  Session(const ReplayEngine& engine, const RecordedLog& log, const RecordedTexts& texts,
          std::span<const FinishedRequest> finished,
          const std::function<void(const Replayed&)>& report)
      : engine_(engine), log_(log), texts_(texts), finished_(finished), report_(report) {}

  Status run() {
    const ReplaySource source{
        .count = finished_.size(),
        .make = [this](std::size_t i) -> Result<Requests> { return make(i); },
        .refuse = [this](std::size_t i, const base::Error& why) { end(i, not_asked(why)); },
        .take =
            [this](std::size_t i, const std::vector<ReplayedChoice>& choices) {
              const Pending& pending = pending_.at(i);
              end(i, compare(pending.request, pending.expected, choices));
            }};
    return run_replay(engine_.engine, engine_.window, source);
  }

 private:
  struct Pending {
    RecordedRequest request;
    Expected expected;
  };

  // Empty: it has its verdict already.
  Requests make(std::size_t i) {
    Pending pending;
    Result<Requests> requests = prepare(finished_[i], pending);
    const auto kept = pending_.emplace(i, std::move(pending)).first;
    if (requests.ok() && count_choices(requests.value()) != kept->second.request.choices.size()) {
      requests = base::denied("the number of choices was another");
    }
    if (requests.ok()) return std::move(requests).value();
    end(i, not_asked(requests.error()));
    return {};
  }

  static std::size_t count_choices(const Requests& requests) {
    std::size_t choices = 0;
    for (const GenerationRequest& request : requests) choices += request.choices;
    return choices;
  }

  Result<Requests> prepare(const FinishedRequest& finished, Pending& pending) {
    pending.request = TRY(log_.request(finished));
    TRY(check_computation(pending.request));
    const std::string body = TRY(texts_.body(pending.request));
    TRY(read_expected(pending));
    Requests requests = TRY(derive_requests(pending.request, body, engine_.tools));
    if (pending.expected.tokens && !pending.request.ok()) shorten(pending, requests);
    return requests;
  }

  // Tokens follow from the request, the model and the kernel set; with another of these, equal
  // tokens would be chance and different ones no finding.
  Status check_computation(const RecordedRequest& request) const {
    if (request.model_digest != engine_.model_digest) {
      return base::denied(fmt::format("it was answered by model {}, this is {}",
                                      request.model_digest, engine_.model_digest));
    }
    if (request.kernels == engine_.kernels) return {};
    return base::denied(fmt::format("it was computed by the kernel set {}, this is {}",
                                    request.kernels, engine_.kernels));
  }

  Status read_expected(Pending& pending) const {
    pending.expected.salt = texts_.salt(pending.request);
    auto tokens = texts_.tokens(pending.request);
    if (tokens.ok()) {
      pending.expected.tokens = std::move(tokens).value();
      return {};
    }
    if (tokens.error().code != base::ErrorCode::kNotFound) return std::move(tokens).error();
    const auto& choices = pending.request.choices;
    const bool by_digest = std::any_of(choices.begin(), choices.end(), [](const auto& choice) {
      return choice.whole() && !choice.tokens_digest.empty();
    });
    if (pending.expected.salt && by_digest) return {};
    return base::not_found(tokens.error().message +
                           ", and no digest of a whole answer can be compared");
  }

  // Of an answer that was cut short only the beginning is compared: no more is computed.
  static void shorten(const Pending& pending, Requests& requests) {
    std::size_t first = 0;
    for (GenerationRequest& request : requests) {
      std::size_t longest = std::max<std::size_t>(request.tokens_min, 1);
      bool whole = false;
      for (std::size_t c = first; c < first + request.choices; ++c) {
        if (c >= pending.expected.tokens->size()) return;  // refused by who counts them
        longest = std::max(longest, (*pending.expected.tokens)[c].size());
        whole = whole || pending.request.choices[c].whole();
      }
      first += request.choices;
      if (whole) continue;
      request.tokens_max =
          static_cast<std::uint32_t>(std::min<std::size_t>(request.tokens_max, longest));
    }
  }

  void end(std::size_t i, Verdict verdict) {
    report_({finished_[i].finished, pending_.at(i).request.id, std::move(verdict)});
    pending_.erase(i);
  }

  const ReplayEngine& engine_;
  const RecordedLog& log_;
  const RecordedTexts& texts_;
  const std::span<const FinishedRequest> finished_;
  const std::function<void(const Replayed&)>& report_;
  std::unordered_map<std::size_t, Pending> pending_;
};

}  // namespace

Status replay_requests(const ReplayEngine& engine, const RecordedLog& log,
                       const RecordedTexts& texts, std::span<const FinishedRequest> finished,
                       const std::function<void(const Replayed&)>& report) {
  return Session(engine, log, texts, finished, report).run();
}

}  // namespace daemon_replay
