// Where imported models live, by content:
//
//   STORE/models/<root digest>/       exactly the files the signature names, and model.sig
//   STORE/models/<root digest>.json   name, import time, signer: ours, not signed
//   STORE/active                      the root digest of the model to serve, one line
//   STORE/staging/                    imports under way; whatever is found there at start is from a power loss
//
// A model appears under models/ by one rename, after every byte was hashed and is on disk: it is there whole, or
// not at all.
#ifndef PROVISIONING_STORE_H_
#define PROVISIONING_STORE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/model_directory.h"

namespace provisioning {

struct StoredModel {
  std::string digest;     // root digest, hex
  std::string name;       // what clients call it
  std::int64_t imported = 0;  // unix seconds
  std::string signer;     // hint of the key that signed it
  std::string directory;  // path of the model directory
};

class Store {
 public:
  // Creates the directories where missing (mode 0755) and clears what an interrupted import left behind.
  static base::Result<Store> create(std::string path);

  // Copies a signed model into the store: each byte is read once, hashed and written; only files the signature
  // names are created. `name` must satisfy check_model_name. A model that is there already is left as it is
  // (its name and import time too). On failure the store is as before.
  base::Result<StoredModel> import(const SignedModel& model, std::string_view name, std::int64_t now_unix_seconds,
                                   const FileVerifier::Progress& progress = {});

  base::Status activate(std::string_view digest);
  base::Result<StoredModel> find(std::string_view digest) const;

  // The model to serve; kNotFound when nothing was activated yet. Reads the store without creating anything.
  static base::Result<StoredModel> active(const std::string& path);

 private:
  explicit Store(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// Letters, digits, '.', '-', '_', at most 128, not beginning with '.': it becomes the id clients send.
base::Status check_model_name(std::string_view name);

}  // namespace provisioning

#endif  // PROVISIONING_STORE_H_
