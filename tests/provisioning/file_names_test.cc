#include "provisioning/file_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace provisioning {
namespace {

using testing::HasSubstr;

std::string verdict(std::string_view name) {
  const auto status = check_file_name(name);
  return status.ok() ? "taken" : status.error().message;
}

std::string verdict_of_all(const std::vector<std::string_view>& names) {
  const auto status = check_distinct_names(names);
  return status.ok() ? "taken" : status.error().message;
}

TEST(FileName, IsAPathOfAnyLanguage) {
  for (const std::string_view name :
       {"model.gguf", "a/b", "a-b", "é模.bin", "sub dir/x y", ".gitattributes", ".hidden/x", "a:b",
        "नमूना.bin", "sub/model.sig", "git/x", "한국어"}) {
    EXPECT_EQ(verdict(name), "taken") << name;
  }
}

TEST(FileName, IsRefusedForWhatIsWrongWithIt) {
  const std::string deep = [] {
    std::string path;
    for (int i = 0; i < 300; ++i) path += "a/";
    return path + "b";
  }();
  const std::pair<std::string, std::string_view> cases[] = {
      {"", "component"},
      {".", "component"},
      {"..", "component"},
      {"../x", "component"},
      {"/etc/passwd", "component"},
      {"a/../../b", "component"},
      {"a//b", "component"},
      {"./a", "component"},
      {"a/", "component"},
      {"C:\\x", "backslash"},
      {"a\\b", "backslash"},
      {std::string("a\0b", 3), "NUL"},
      {"a\nb", "U+000A"},
      {"a\x1b[2Jb", "U+001B"},
      {"a\x7f", "U+007F"},
      {"a\u0085", "U+0085"},
      {"a\u202egpj", "U+202E"},
      {"a\u2066b", "U+2066"},
      {"\ufeff"
       "a",
       "U+FEFF"},
      {"a\xff", "UTF-8"},
      {"a\xc0\xaf", "UTF-8"},
      {"a\xed\xa0\x80", "UTF-8"},
      {std::string(256, 'a'), "256 bytes"},
      {std::string(5000, 'a'), "5000 bytes"},
      {deep, "nested deeper than 32"},
      {"e\u0301.bin", "U+0301"},
      {"\u1112\u1161\u11ab", "U+1161"},
      {"\u304b\u3099", "U+3099"},
      {"model.sig", "reserved"},
      {"release.dsse", "reserved"},
      {"lost+found/x", "reserved"},
      {"model.sig/x", "reserved"},
      {".git/config", ".git"},
      {"sub/.git", ".git"},
      {"sub/.git/config", ".git"},
  };
  for (const auto& [name, reason] : cases)
    EXPECT_THAT(verdict(name), HasSubstr(reason)) << testing::PrintToString(name);
}

TEST(FileNames, AreDistinctAndNoneIsADirectoryOfAnother) {
  EXPECT_EQ(verdict_of_all({"a", "b", "ab", "c/a", "c/b", "a-b/c"}), "taken");
  EXPECT_THAT(verdict_of_all({"a", "b", "a"}), HasSubstr("a stands twice"));
  EXPECT_THAT(verdict_of_all({"model.gguf", "MODEL.GGUF"}), HasSubstr("upper and lower case"));
  EXPECT_THAT(verdict_of_all({"a/b", "a"}), HasSubstr("a is a file and a directory"));
  EXPECT_THAT(verdict_of_all({"A", "a-b", "a/b/c"}), HasSubstr("file and a directory"));
  EXPECT_THAT(verdict_of_all({"x/y", "x/y/z/w"}), HasSubstr("x/y is a file"));
}

}  // namespace
}  // namespace provisioning
