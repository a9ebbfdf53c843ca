#include "daemon/cli/models_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "daemon/cli/table.h"

namespace daemon_cli {

using provisioning::Activation;
using provisioning::StoredModel;

namespace {

constexpr std::size_t kShortId = 12;

bool on_trial(const StoredModel& model, const Activation& activation) {
  return activation.trial && activation.trial->id == model.id;
}

std::string date_of(std::int64_t unix_seconds) {
  const std::time_t time = static_cast<std::time_t>(unix_seconds);
  std::tm fields{};
  return ::gmtime_r(&time, &fields) != nullptr ? fmt::format("{:%Y-%m-%d}", fields) : "-";
}

std::string size_text(std::uint64_t bytes) {
  constexpr double kMiB = 1 << 20;
  const double mib = static_cast<double>(bytes) / kMiB;
  return mib < 1'024 ? fmt::format("{:.1f} MiB", mib) : fmt::format("{:.1f} GiB", mib / 1'024);
}

std::string signers_text(const StoredModel& model) {
  std::string text;
  for (const std::string& signer : model.signers)
    text += (text.empty() ? "" : ", ") + signer.substr(0, kShortId);
  return text.empty() ? "-" : text;
}

}  // namespace

std::string model_state(const StoredModel& model, const Activation& activation) {
  std::vector<std::string> words;
  if (model.id == activation.active) words.emplace_back("active");
  if (model.id == activation.previous) words.emplace_back("previous");
  if (on_trial(model, activation)) {
    words.push_back(fmt::format("on trial (started {} of {} times)", activation.trial->starts,
                                provisioning::kTrialStartsMax));
  }
  if (activation.pinned.contains(model.id)) words.emplace_back("pinned");
  if (const auto* failure = activation.failure_of(model.id))
    words.push_back("failed: " + failure->why);
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, ", "));
}

std::string format_models(const std::vector<StoredModel>& models, const Activation& activation) {
  Table table({"NAME", "SEQUENCE", "VERSION", "ID", "SIZE", "IMPORTED", "SIGNERS", "STATE"});
  for (const StoredModel& model : models) {
    table.add({model.name, model.bare ? "-" : std::to_string(model.sequence),
               model.version.empty() ? "-" : model.version, model.id.substr(0, kShortId),
               size_text(model.bytes), date_of(model.imported), signers_text(model),
               model_state(model, activation)});
  }
  return models.empty() ? "There is no model: import one with 'redoubt import PATH'.\n"
                        : table.format();
}

base::Json models_json(const std::vector<StoredModel>& models, const Activation& activation) {
  base::Json list = base::Json::array();
  for (const StoredModel& model : models) {
    base::Json signers = base::Json::array();
    for (const std::string& signer : model.signers) signers.push_back(signer);
    const auto* failure = activation.failure_of(model.id);
    list.push_back(base::Json::object(
        {{"id", model.id},
         {"name", model.name},
         {"bare", model.bare},
         {"sequence", model.sequence},
         {"version", model.version},
         {"bytes", model.bytes},
         {"imported", model.imported},
         {"signers", std::move(signers)},
         {"active", model.id == activation.active},
         {"previous", model.id == activation.previous},
         {"trial", on_trial(model, activation)},
         {"pinned", activation.pinned.contains(model.id)},
         {"failed", failure != nullptr ? base::Json(failure->why) : base::Json()}}));
  }
  return base::Json::object({{"models", std::move(list)}});
}

}  // namespace daemon_cli
