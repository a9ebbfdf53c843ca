#include "daemon/replay/verdict.h"

#include <algorithm>

namespace daemon_replay {
namespace {

using runtime::FinishReason;
using runtime::TokenId;

std::string_view finish_name(FinishReason finish) {
  switch (finish) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kError:
      return "error";
    case FinishReason::kCancelled:
    case FinishReason::kNone:
      break;
  }
  return "none";
}

std::string token_at(const std::vector<TokenId>& tokens, std::size_t at) {
  return at < tokens.size() ? std::to_string(tokens[at]) : "the end";
}

// Absent: the same, as far as the recorded choice goes.
std::optional<Difference> compare_tokens(const RecordedChoice& recorded,
                                         const std::vector<TokenId>& expected,
                                         const std::vector<TokenId>& got) {
  const auto [e, g] = std::mismatch(expected.begin(), expected.end(), got.begin(), got.end());
  const auto at = static_cast<std::size_t>(e - expected.begin());
  if (e == expected.end() && (g == got.end() || !recorded.whole())) return std::nullopt;
  return Difference{0, static_cast<std::uint32_t>(at), token_at(expected, at), token_at(got, at)};
}

std::optional<Difference> compare_finish(const RecordedChoice& recorded,
                                         const ReplayedChoice& replayed) {
  if (!recorded.whole() || recorded.finish == finish_name(replayed.finish)) return std::nullopt;
  return Difference{0, recorded.tokens, "finish " + recorded.finish,
                    "finish " + std::string(finish_name(replayed.finish))};
}

// One choice; `why` says what there is not to compare with.
class ChoiceComparison {
 public:
  ChoiceComparison(const RecordedRequest& recorded, const Expected& expected, std::size_t choice)
      : recorded_(recorded.choices[choice]), expected_(expected), choice_(choice) {}

  std::optional<Difference> compare(const ReplayedChoice& replayed) {
    auto difference = expected_.tokens
                          ? compare_tokens(recorded_, (*expected_.tokens)[choice_], replayed.tokens)
                          : compare_digest(replayed);
    if (!difference && why_.empty()) difference = compare_finish(recorded_, replayed);
    if (difference) difference->choice = static_cast<std::uint32_t>(choice_);
    return difference;
  }
  const std::string& why() const { return why_; }

 private:
  std::optional<Difference> compare_digest(const ReplayedChoice& replayed) {
    if (recorded_.tokens_digest.empty() || !expected_.salt) {
      why_ = recorded_.tokens_digest.empty()
                 ? "the record has no digest of its tokens"
                 : "neither its tokens (--key) nor its salt (--salt) are known";
      return std::nullopt;
    }
    if (!recorded_.whole()) {
      why_ =
          "its answer was cut short, and where its tokens are not known (--key) there is nothing "
          "to compare the part with";
      return std::nullopt;
    }
    const auto choice = static_cast<std::uint32_t>(choice_);
    const std::string got = daemon_audit::digest_tokens(*expected_.salt, choice, replayed.tokens);
    if (got == recorded_.tokens_digest) return std::nullopt;
    return Difference{choice, std::nullopt, recorded_.tokens_digest, got};
  }

  const RecordedChoice& recorded_;
  const Expected& expected_;
  std::size_t choice_;
  std::string why_;
};

}  // namespace

std::string_view verdict_name(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::kIdentical:
      return "identical";
    case Verdict::Kind::kDiffers:
      return "differs";
    case Verdict::Kind::kSkipped:
      return "skipped";
    case Verdict::Kind::kRefused:
      return "refused";
  }
  return "";
}

Verdict compare(const RecordedRequest& recorded, const Expected& expected,
                const std::vector<ReplayedChoice>& replayed) {
  Verdict verdict;
  for (std::size_t i = 0; i < recorded.choices.size(); ++i) {
    ChoiceComparison comparison(recorded, expected, i);
    const auto difference = comparison.compare(replayed[i]);
    if (difference) {
      verdict.kind = Verdict::Kind::kDiffers;
      verdict.difference = *difference;
      return verdict;
    }
    if (!comparison.why().empty()) {
      verdict.kind = Verdict::Kind::kSkipped;
      verdict.why = comparison.why();
      continue;
    }
    verdict.tokens += recorded.choices[i].tokens;
    verdict.partial = verdict.partial || !recorded.choices[i].whole();
  }
  return verdict;
}

}  // namespace daemon_replay
