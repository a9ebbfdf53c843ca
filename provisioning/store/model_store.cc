#include "provisioning/store/model_store.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>

#include "hardening/base/file.h"
#include "provisioning/limits.h"
#include "provisioning/store/about.h"
#include "provisioning/store/object_list.h"
#include "provisioning/store/store_files.h"

namespace provisioning {
namespace {

constexpr std::size_t kModelsMax = 10'000;
constexpr std::size_t kAnswersBytesMax = 64u << 10;
constexpr std::size_t kIdDigitsMin = 8;
constexpr int kLockWaitMs = 5'000;

constexpr std::string_view kReleaseFileName = "release.dsse";
constexpr std::string_view kModelSignatureName = "model.sig";

// The text of a file that need not be there.
base::Result<std::string> read_if_there(const std::string& path, std::size_t bytes_max) {
  auto text = base::read_text_file(path, bytes_max);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) return std::string();
  return std::move(text).context(path);
}

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string describe(const StoredModel& model) {
  return model.bare ? fmt::format("{} ({})", model.name, model.id)
                    : fmt::format("{}@{} ({})", model.name, model.sequence, model.id);
}

}  // namespace

base::Result<ModelStore> ModelStore::open(std::string path) {
  if (!path_exists(path + "/models"))
    return base::not_found("there is no store of models at " + path);
  return ModelStore(std::move(path), base::Fd());
}

base::Result<ModelStore> ModelStore::open_for_change(std::string path) {
  for (const char* directory : {"", "/objects", "/models", "/staging"})
    TRY(make_store_directory(path + directory));
  auto lock = lock_store_file(path + "/import.lock", 0);
  if (!lock.ok() && lock.error().code == base::ErrorCode::kUnavailable) {
    return base::unavailable("another import, removal or collection is under way");
  }
  if (!lock.ok()) return lock.error();
  return ModelStore(std::move(path), std::move(lock).value());
}

base::Status ModelStore::require_change() const {
  if (!lock_.is_open()) return base::denied("the store was opened for reading");
  return {};
}

std::string ModelStore::model_directory(std::string_view id) const {
  return fmt::format("{}/models/{}", path_, id);
}

// ---- which models there are ---------------------------------------------------------------------

base::Result<StoredModel> ModelStore::read_model(const std::string& id) const {
  const std::string path = model_directory(id) + "/about.json";
  const std::string text = TRY(base::read_text_file(path, kAboutBytesMax));
  auto model = parse_about(text);
  if (!model.ok()) return base::corrupt(fmt::format("{}: {}", path, model.error().message));
  if (model.value().id != id)
    return base::corrupt(fmt::format("{}: is about {}", path, model.value().id));
  model.value().directory = model_directory(id);
  return model;
}

base::Result<std::vector<StoredModel>> ModelStore::list() const {
  std::vector<StoredModel> models;
  for (const std::string& name : TRY(list_names(path_ + "/models", kModelsMax))) {
    if (is_digest_text(name)) models.push_back(TRY(read_model(name)));
  }
  std::sort(models.begin(), models.end(), [](const StoredModel& a, const StoredModel& b) {
    return std::tie(a.name, a.sequence, a.imported, a.id) <
           std::tie(b.name, b.sequence, b.imported, b.id);
  });
  return models;
}

base::Result<StoredModel> ModelStore::find(std::string_view text) const {
  if (is_digest_text(text)) {
    auto model = read_model(std::string(text));
    if (model.ok() || model.error().code != base::ErrorCode::kNotFound) return model;
    return base::not_found(fmt::format("there is no model {}", text));
  }
  if (text.size() >= kIdDigitsMin && is_digits(text)) {
    auto model = find_beginning(text);
    if (model.ok() || model.error().code != base::ErrorCode::kNotFound) return model;
  }
  return find_named(text);
}

base::Result<StoredModel> ModelStore::find_beginning(std::string_view digits) const {
  std::optional<StoredModel> found;
  for (StoredModel& model : TRY(list())) {
    if (!model.id.starts_with(digits)) continue;
    if (found)
      return base::invalid_input(fmt::format("{} begins the ids of more than one model", digits));
    found = std::move(model);
  }
  if (!found) return base::not_found(fmt::format("there is no model {}…", digits));
  return std::move(*found);
}

base::Result<StoredModel> ModelStore::find_named(std::string_view text) const {
  const std::size_t at = text.rfind('@');
  const std::string_view name = text.substr(0, at);
  std::optional<std::uint64_t> sequence;
  if (at != std::string_view::npos) {
    const std::string_view digits = text.substr(at + 1);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      return base::invalid_input("behind '@' stands a model's sequence number");
    }
    sequence = value;
  }
  std::optional<StoredModel> newest;  // list() is in order
  for (StoredModel& model : TRY(list())) {
    if (model.name == name && (!sequence || (!model.bare && model.sequence == *sequence)))
      newest = std::move(model);
  }
  if (!newest) return base::not_found(fmt::format("there is no model '{}'", text));
  return std::move(*newest);
}

// ---- what is known of one -----------------------------------------------------------------------

base::Result<base::Fd> ModelStore::open_objects() const {
  return base::open_file(path_ + "/objects", O_RDONLY | O_DIRECTORY);
}

base::Result<std::string> ModelStore::release_text(const StoredModel& model) const {
  return read_if_there(fmt::format("{}/{}", model_directory(model.id), kReleaseFileName),
                       kReleaseBytesMax);
}

base::Result<std::string> ModelStore::signature_text(const StoredModel& model) const {
  return read_if_there(fmt::format("{}/{}", model_directory(model.id), kModelSignatureName),
                       kSignatureBytesMax);
}

base::Result<std::string> ModelStore::answers(const StoredModel& model) const {
  return read_if_there(model_directory(model.id) + "/answers.json", kAnswersBytesMax);
}

base::Status ModelStore::set_answers(const StoredModel& model, std::string_view text) {
  if (text.size() > kAnswersBytesMax) {
    return base::exhausted(
        fmt::format("answers: {} bytes, limit {}", text.size(), kAnswersBytesMax));
  }
  const base::Fd lock = TRY(lock_store_file(path_ + "/lock", kLockWaitMs));
  return put_store_file(model_directory(model.id) + "/answers.json", text, kStoreFileMode);
}

base::Result<Activation> ModelStore::activation() const {
  const std::string path = path_ + "/activation.json";
  const std::string text = TRY(read_if_there(path, kActivationBytesMax));
  if (text.empty()) return Activation{};
  return Activation::parse(text).context(path);
}

base::Status ModelStore::change_activation(const std::function<bool(Activation&)>& change) {
  const base::Fd lock = TRY(lock_store_file(path_ + "/lock", kLockWaitMs));
  Activation value = TRY(activation());
  if (!change(value)) return {};
  return put_store_file(path_ + "/activation.json", value.serialize(), kStoreFileMode);
}

base::Status ModelStore::remove(const StoredModel& model) {
  TRY(require_change());
  const std::string gone = fmt::format("{}/{}.removed", staging_directory(), model.id);
  {
    // Nobody proposes it between our looking and its end.
    const base::Fd lock = TRY(lock_store_file(path_ + "/lock", kLockWaitMs));
    if (TRY(activation()).needs(model.id)) {
      return base::denied(describe(model) + " is active, the one before, on trial or pinned");
    }
    TRY(remove_tree(gone));
    TRY(rename_path(model_directory(model.id), gone));
    TRY(sync_store_directory(path_ + "/models"));
  }
  return remove_tree(gone);
}

}  // namespace provisioning
