// Where imported models live, by content:
//
//   STORE/objects/<sha256>           a file's bytes, 0444, whoever's it is: two releases with the
//   same file share it STORE/objects/<sha256>.chunks    the SHA-256 digests of its 4 MiB pieces; a
//   release's statement vouches for them STORE/models/<id>/               release.dsse and
//   model.sig of a release (id: of its payload), or model.sig of a bare model
//                                    (id: its root digest), and about.json: when it came and from
//                                    whom; ours, not signed
//   STORE/models/<id>/objects        digests and sizes of its files (store/object_list.h)
//   STORE/models/<id>/answers.json   the answers of its known-answer test, by kernel set
//   (daemon/engine/known_answers.h) STORE/activation.json            which model is served, was
//   before, is on trial, is pinned, has failed (store/activation.h) STORE/staging/<id>/ an import
//   under way, kept over a power loss so that it can go on; see store/staging.h STORE/import.lock
//   held as long as an import, a removal or a collection takes STORE/lock held for the moment of
//   changing activation.json or answers.json; readers need no lock
//
// Objects come before the model that names them, by one rename each after fsync; a model appears by
// one rename of its directory. Whatever no model names is garbage, at any time.
#ifndef PROVISIONING_STORE_MODEL_STORE_H_
#define PROVISIONING_STORE_MODEL_STORE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/file.h"
#include "hardening/base/result.h"
#include "provisioning/store/activation.h"
#include "provisioning/trust/release.h"

namespace provisioning {

struct StoredModel {
  std::string id;
  bool bare = false;
  std::string name;            // what clients call it
  std::uint64_t sequence = 0;  // of a release
  std::string version;
  std::int64_t imported = 0;  // unix seconds
  std::vector<std::string> signers;
  std::uint64_t bytes = 0;  // of all its files
  std::string directory;    // STORE/models/<id>
  bool verity = false;      // fs-verity guards its objects
};

class ModelStore {
 public:
  // For reading: creates nothing. kNotFound when there is no store.
  static base::Result<ModelStore> open(std::string path);
  // For importing, removing and collecting: creates what is missing and takes import.lock;
  // kUnavailable when another process holds it.
  static base::Result<ModelStore> open_for_change(std::string path);

  base::Result<std::vector<StoredModel>> list() const;
  // By id, by an unambiguous beginning of it of at least 8 digits, by "name" (its newest) or
  // "name@sequence".
  base::Result<StoredModel> find(std::string_view text) const;

  base::Result<base::Fd> open_objects() const;
  base::Result<std::string> release_text(const StoredModel& model) const;  // empty: a bare one
  base::Result<std::string> signature_text(
      const StoredModel& model) const;  // empty: a release without

  // The default when there is none yet.
  base::Result<Activation> activation() const;
  // Reads, lets `change` alter the value, writes when it says true; under STORE/lock, waiting for
  // it a few seconds at most. Possible with either way of opening, given the rights.
  base::Status change_activation(const std::function<bool(Activation&)>& change);

  // The recorded answers of the known-answer test, one JSON text of at most 64 KiB; empty: none
  // yet.
  base::Result<std::string> answers(const StoredModel& model) const;
  base::Status set_answers(const StoredModel& model, std::string_view text);

  // STORE/staging for an importer that runs as `importer` (when we are root; else it runs as we
  // do). What an interrupted import left is kept as far as another can go on with it. Requires
  // open_for_change.
  base::Result<base::Fd> open_staging(const base::FileOwner& importer);
  // After the importer has ended: what it left belongs to the owner of the store again.
  base::Status close_staging();
  base::Status discard_staging(std::string_view id);

  // Makes what an importer staged in STORE/staging/<model.id> part of the store (store/staging.h
  // lists what is there); fills in bytes, verity and directory. Of all that lies there nothing is
  // parsed but the list of objects; sizes are looked at, digests are what the importer says, and
  // checked again whenever somebody loads. `replace_present`: staged objects take the place of
  // present ones. A model that is there already stays as it is. Requires open_for_change.
  base::Result<StoredModel> publish(StoredModel model);

  // kDenied when it is active, previous, on trial or pinned. Its files go with collect_garbage.
  base::Status remove(const StoredModel& model);
  struct Collected {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
  };
  // Deletes objects that no model names, and stagings of before yesterday.
  base::Result<Collected> collect_garbage();

  std::string staging_directory() const { return path_ + "/staging"; }

 private:
  ModelStore(std::string path, base::Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string model_directory(std::string_view id) const;
  base::Result<StoredModel> read_model(const std::string& id) const;
  base::Result<StoredModel> find_beginning(std::string_view digits) const;
  base::Result<StoredModel> find_named(std::string_view name) const;
  base::Status require_change() const;

  std::string path_;
  base::Fd lock_;
};

}  // namespace provisioning

#endif  // PROVISIONING_STORE_MODEL_STORE_H_
