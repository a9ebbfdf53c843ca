// A little model and the bundles made of it.
#ifndef TESTS_PROVISIONING_CONTAINER_SMALL_BUNDLE_H_
#define TESTS_PROVISIONING_CONTAINER_SMALL_BUNDLE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "provisioning/container/bundle_contents.h"
#include "provisioning/container/bundle_maker.h"
#include "provisioning/container/bundle_source.h"
#include "tests/provisioning/scratch_directory.h"

namespace provisioning {

class SmallBundle {
 public:
  SmallBundle() {
    scratch_.write("model/config.json", "{}");
    scratch_.write("model/empty.bin", "");
    scratch_.write("model/sub/x.gguf", std::string(70'000, 'w'));
    scratch_.write("golden.json", R"({"type":"redoubt-golden"})");
  }

  const ScratchDirectory& scratch() const { return scratch_; }
  std::string path(std::string_view name) const { return scratch_ / name; }

  BundleInputs inputs() const {
    return {.models = {path("model")},
            .golden = path("golden.json"),
            .evaluations = {},
            .sbom = "",
            .metrics = {}};
  }
  static Release claims() {
    Release release;
    release.name = "assistant";
    release.sequence = 7;
    release.version = "2026.11";
    release.issued = 1'795'284'000;
    release.license = "Apache-2.0";
    return release;
  }

  // "NAME.rdb" or a directory.
  MadeBundle make(std::string_view name) const {
    const auto form = name.ends_with(".rdb") ? BundleForm::kArchive : BundleForm::kDirectory;
    auto made = make_bundle(inputs(), claims(), path(name), form);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(made).value();
  }

  base::Result<std::unique_ptr<BundleSource>> open(std::string_view name) const {
    return open_bundle(TRY(base::open_file(path(name), O_RDONLY | O_NONBLOCK)));
  }
  // Everything that can be checked without trust.
  base::Status check(std::string_view name) const {
    const auto source = TRY(open(name));
    const auto read = TRY(read_claims(*source));
    return check_files(*source, read.release);
  }

 private:
  ScratchDirectory scratch_;
};

}  // namespace provisioning

#endif  // TESTS_PROVISIONING_CONTAINER_SMALL_BUNDLE_H_
