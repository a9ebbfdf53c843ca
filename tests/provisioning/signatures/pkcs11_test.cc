// Keys in a token: SoftHSM makes one in a directory of the test's own. Skips where SoftHSM, or
// OpenSSL's way to a token, is not installed (Debian: softhsm2, libengine-pkcs11-openssl).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "provisioning/ecdsa_key.h"
#include "provisioning/signatures/signature_key.h"

namespace provisioning {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::HasSubstr;

constexpr std::string_view kPin = "1234";
constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

base::Secret secret(std::string_view text) {
  return base::Secret::create(text).value();
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// A token named "redoubt" with one key in it.
class Token {
 public:
  Token() {
    char name[] = "/tmp/redoubt-token-XXXXXX";
    directory_ = ::mkdtemp(name);
    const std::string configuration = directory_ / "softhsm2.conf";
    std::ofstream(configuration) << "directories.tokendir = " << directory_.string()
                                 << "\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", configuration.c_str(), 1);
  }
  ~Token() { fs::remove_all(directory_); }

  static bool installed() { return fs::exists(kModule) && run("--version"); }

  bool make(const base::Secret& key_pem) const {
    const std::string file = directory_ / "key.pem";
    std::ofstream(file) << key_pem.expose_text();
    return run(fmt::format("--init-token --free --label redoubt --pin {} --so-pin 5678", kPin)) &&
           run(fmt::format("--import {} --token redoubt --label release --id 01 --pin {}", file,
                           kPin));
  }

 private:
  static bool run(const std::string& arguments) {
    return std::system(("softhsm2-util " + arguments + " >/dev/null 2>&1").c_str()) == 0;
  }

  fs::path directory_;
};

const std::string kUri =
    fmt::format("pkcs11:token=redoubt;object=release;type=private?module-path={}", kModule);

base::Secret generate_pem(std::string_view suite) {
  return SigningKey::generate(suite).value().serialize_pem(nullptr).value();
}

// OpenSSL's engine stays logged in for as long as the process, so that each test opens its keys in
// a child of its own. The child exits with what `body` says, by these.
enum Outcome { kPassed, kFailed, kNotInstalled };

void expect_in_child(Outcome (*body)()) {
  if (!Token::installed()) GTEST_SKIP() << "softhsm2 is not installed";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Outcome outcome = body();
    ::_exit(outcome == kPassed && testing::Test::HasFailure() ? kFailed : outcome);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  if (WEXITSTATUS(status) == kNotInstalled) GTEST_SKIP() << "OpenSSL has no way to a token here";
  EXPECT_EQ(WEXITSTATUS(status), kPassed);
}

bool is_missing(const base::Result<SigningKey>& key) {
  return !key.ok() && key.error().code == ErrorCode::kUnsupported &&
         key.error().message.find("engine: ") != std::string::npos;
}

Outcome sign_in_token() {
  const Token token;
  const base::Secret pem = generate_pem("ecdsa-p384-sha384");
  const VerifyKey verify_key = SigningKey::parse_pem(pem, nullptr).value().verify_key().value();
  if (!token.make(pem)) return kFailed;
  const base::Secret pin = secret(kPin);
  const auto opened = SigningKey::open_uri(kUri, &pin);
  if (is_missing(opened)) return kNotInstalled;
  if (!opened.ok()) {
    ADD_FAILURE() << opened.error().message;
    return kFailed;
  }
  const SigningKey& key = opened.value();
  EXPECT_EQ(key.verify_key().value().id(), verify_key.id());
  EXPECT_EQ(key.serialize_pem(nullptr).error().code, ErrorCode::kUnsupported);

  const auto signature = key.sign(bytes_of("message")).value();
  EXPECT_TRUE(verify_key.verify(bytes_of("message"), signature).ok());
  EXPECT_FALSE(verify_key.verify(bytes_of("messagE"), signature).ok());

  const std::string other =
      fmt::format("pkcs11:token=redoubt;object=other?module-path={}", kModule);
  EXPECT_EQ(SigningKey::open_uri(other, &pin).error().code, ErrorCode::kDenied);
  return kPassed;
}

TEST(Pkcs11, SignsWithAKeyThatStaysInItsToken) {
  expect_in_child(sign_in_token);
}

Outcome open_with(const base::Secret& pem, const base::Secret* pin, ErrorCode expected,
                  std::string_view named) {
  const Token token;
  if (!token.make(pem)) return kFailed;
  const auto key = SigningKey::open_uri(kUri, pin);
  if (is_missing(key)) return kNotInstalled;
  if (key.ok()) return kFailed;
  EXPECT_EQ(key.error().code, expected) << key.error().message;
  EXPECT_THAT(key.error().message, HasSubstr(std::string(named)));
  return kPassed;
}

TEST(Pkcs11, RefusesAWrongPin) {
  expect_in_child([] {
    const base::Secret wrong = secret("0000");
    return open_with(generate_pem("ecdsa-p384-sha384"), &wrong, ErrorCode::kDenied, "PIN");
  });
}

TEST(Pkcs11, AsksNobodyForAPinThatIsNotGiven) {
  expect_in_child([] {
    return open_with(generate_pem("ecdsa-p384-sha384"), nullptr, ErrorCode::kDenied, "PIN");
  });
}

TEST(Pkcs11, RefusesAKeyOfNoSuite) {
  expect_in_child([] {
    const base::Secret pin = secret(kPin);
    const base::Secret p256 =
        PrivateKey::generate(Curve::kP256).value().serialize_pem(nullptr).value();
    return open_with(p256, &pin, ErrorCode::kUnsupported, "prime256v1");
  });
}

TEST(Pkcs11, RefusesUrisThatCarryAPinOrAreNone) {
  struct Case {
    std::string uri;
    ErrorCode code;
    std::string says;
  };
  for (const Case& one :
       {Case{"file:/tmp/key.pem", ErrorCode::kInvalidInput, "pkcs11:"},
        Case{"pkcs11:token=a?pin-value=1234", ErrorCode::kInvalidInput, "PIN"},
        Case{"pkcs11:token=a?pin-source=file:/pin", ErrorCode::kInvalidInput, "PIN"},
        Case{"pkcs11:token=a b", ErrorCode::kInvalidInput, "printable"},
        Case{"pkcs11:token=a?module-path=%2", ErrorCode::kInvalidInput, "hex digits"},
        Case{"pkcs11:" + std::string(5000, 'a'), ErrorCode::kExhausted, "4096"}}) {
    const auto key = SigningKey::open_uri(one.uri, nullptr);
    ASSERT_FALSE(key.ok()) << one.uri;
    EXPECT_EQ(key.error().code, one.code) << one.uri;
    EXPECT_THAT(key.error().message, HasSubstr(one.says));
  }
}

}  // namespace
}  // namespace provisioning
