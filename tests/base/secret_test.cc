#include "hardening/base/secret.h"

#include <gtest/gtest.h>

#include "hardening/base/log.h"

namespace base {
namespace {

TEST(Secret, HoldsItsOwnCopy) {
  std::string text = "key material";
  const Secret secret = Secret::create(text).value();
  wipe(std::as_writable_bytes(std::span(text)));
  EXPECT_EQ(text, std::string(12, '\0'));
  EXPECT_EQ(secret.expose_text(), "key material");
}

TEST(Secret, MovesWithoutLeavingACopy) {
  Secret first = Secret::create("one").value();
  const Secret second = std::move(first);
  EXPECT_EQ(second.expose_text(), "one");
  EXPECT_EQ(first.size(), 0U);  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST(Secret, RandomOnesDiffer) {
  const Secret a = Secret::create_random(32).value();
  const Secret b = Secret::create_random(32).value();
  EXPECT_FALSE(equal_constant_time(a.expose_bytes(), b.expose_bytes()));
  EXPECT_TRUE(equal_constant_time(a.expose_bytes(), a.expose_bytes()));
  EXPECT_FALSE(equal_constant_time(a.expose_bytes(), a.expose_bytes().first(31)));
}

TEST(Log, NoValueCanForgeALine) {
  EXPECT_EQ(format_log_line("gateway", "request refused", {{"path", "/x\n<0>fake: all is well"}, {"status", 404}}),
            "gateway: request refused path=\"/x\\x0a<0>fake: all is well\" status=404");
  EXPECT_EQ(format_log_line("r", "m", {{"empty", ""}, {"quote", "a\"b"}, {"eight", "\xE9"}}),
            "r: m empty=\"\" quote=\"a\\\"b\" eight=\\xe9");
}

}  // namespace
}  // namespace base
