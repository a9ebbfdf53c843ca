#include "provisioning/signatures/dsse.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provisioning/base64.h"

namespace provisioning {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

constexpr std::size_t kMax = 1u << 20;
const std::string kIdA(64, 'a');
const std::string kIdB(64, 'b');

base::Result<Dsse> parse(std::string_view text) {
  return parse_dsse(text, kReleasePayloadType, kMax);
}

std::string signature_json(std::string_view id, std::string_view sig = "AAEC") {
  return fmt::format(R"({{"keyid":"{}","sig":"{}"}})", id, sig);
}

std::string envelope_json(std::string_view signatures, std::string_view payload = "e30=") {
  return fmt::format(R"({{"payload":"{}","payloadType":"{}","signatures":[{}]}})", payload,
                     kReleasePayloadType, signatures);
}

// secure-systems-lab/dsse, protocol.md, "Test Vectors".
TEST(Dsse, EncodesForSigningAsTheProtocolsTestVector) {
  EXPECT_EQ(dsse_pae("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

TEST(Dsse, ReadsAnEnvelopeWithItsMembersInAnyOrderAndPaddingBehind) {
  const std::string text =
      fmt::format(R"({{"signatures":[{}],"payloadType":"{}","payload":"e30="}})",
                  signature_json(kIdA), kReleasePayloadType);
  const Dsse envelope = parse(text + std::string(1000, ' ')).value();
  EXPECT_EQ(envelope.payload_type, kReleasePayloadType);
  EXPECT_EQ(envelope.payload, "{}");
  ASSERT_EQ(envelope.signatures.size(), 1u);
  EXPECT_EQ(envelope.signatures[0].key_id, kIdA);
  EXPECT_EQ(envelope.signatures[0].bytes, (std::vector{std::byte{0}, std::byte{1}, std::byte{2}}));
}

TEST(Dsse, IsWrittenCompactWithSignaturesInTheOrderOfTheirKeys) {
  const Dsse envelope =
      parse(envelope_json(signature_json(kIdB) + ", " + signature_json(kIdA))).value();
  const std::string written = serialize_dsse(envelope);
  EXPECT_EQ(written, envelope_json(signature_json(kIdA) + "," + signature_json(kIdB)));
  EXPECT_EQ(serialize_dsse(parse(written).value()), written);
}

TEST(Dsse, WithoutSignaturesIsReadForThoseWhoAddThem) {
  EXPECT_TRUE(parse(envelope_json("")).value().signatures.empty());
}

TEST(Dsse, AKeyThatSignsAgainReplacesItsSignature) {
  const SigningKey first = SigningKey::generate("ecdsa-p384-sha384").value();
  const SigningKey second = SigningKey::generate("ed25519").value();
  Dsse envelope{std::string(kReleasePayloadType), "{}", {}};
  for (const SigningKey* key : {&first, &second, &first})
    ASSERT_TRUE(add_signature(envelope, *key).ok());
  ASSERT_EQ(envelope.signatures.size(), 2u);

  const Dsse read = parse(serialize_dsse(envelope)).value();
  const std::string text = dsse_pae(read.payload_type, read.payload);
  for (const SigningKey* key : {&first, &second}) {
    const VerifyKey verify_key = key->verify_key().value();
    const auto found = std::ranges::find(read.signatures, verify_key.id(), &DsseSignature::key_id);
    ASSERT_NE(found, read.signatures.end());
    EXPECT_TRUE(verify_key.verify(std::as_bytes(std::span(text)), found->bytes).ok());
    const std::string other = dsse_pae(kRootPayloadType, read.payload);
    EXPECT_FALSE(verify_key.verify(std::as_bytes(std::span(other)), found->bytes).ok());
  }
}

TEST(Dsse, TakesOverSignaturesOfTheSamePayloadAlone) {
  Dsse ours = parse(envelope_json(signature_json(kIdA))).value();
  const Dsse theirs =
      parse(envelope_json(signature_json(kIdA, "BBBB") + "," + signature_json(kIdB))).value();
  ASSERT_TRUE(merge_signatures(ours, theirs).ok());
  EXPECT_EQ(serialize_dsse(ours), envelope_json(signature_json(kIdA) + "," + signature_json(kIdB)));

  const Dsse other = parse(envelope_json(signature_json(kIdB), "W10=")).value();
  EXPECT_EQ(merge_signatures(ours, other).error().code, ErrorCode::kInvalidInput);
  Dsse root = theirs;
  root.payload_type = kRootPayloadType;
  EXPECT_EQ(merge_signatures(ours, root).error().code, ErrorCode::kInvalidInput);
}

TEST(Dsse, OfAnotherKindIsRefused) {
  std::string text = envelope_json(signature_json(kIdA));
  EXPECT_EQ(parse_dsse(text, kRootPayloadType, kMax).error().code, ErrorCode::kUnsupported);
  for (const std::string_view type :
       {"application/json", "", "application/vnd.redoubt.release+json "}) {
    const auto other =
        parse(fmt::format(R"({{"payload":"e30=","payloadType":"{}","signatures":[]}})", type));
    EXPECT_THAT(other.error().message, HasSubstr("payloadType")) << type;
  }
}

TEST(Dsse, RefusesWhatIsNotAnEnvelopeAndEveryTruncationOfOne) {
  const std::string text = envelope_json(signature_json(kIdA));
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse(text.substr(0, size)).ok()) << size;
  for (const std::string_view other : {"[]", "null", "1", "\"x\"", "{}"})
    EXPECT_FALSE(parse(other).ok()) << other;
}

TEST(Dsse, RefusesWhatJsonAllowsButASignedDocumentDoesNotNeed) {
  const std::string good = envelope_json(signature_json(kIdA));
  EXPECT_FALSE(parse(good + "{}").ok());                                       // a second value
  EXPECT_FALSE(parse("\xEF\xBB\xBF" + good).ok());                             // a byte order mark
  EXPECT_FALSE(parse(good.substr(0, good.size() - 1) + ",\"note\":1}").ok());  // an unknown member
  EXPECT_FALSE(
      parse(good.substr(0, good.size() - 1) + ",\"payload\":\"e30=\"}").ok());  // one twice
  EXPECT_FALSE(parse(envelope_json(signature_json(kIdA) + ",")).ok());
  EXPECT_FALSE(
      parse(envelope_json(R"({"keyid":")" + kIdA + R"(","sig":"AAEC","sig":"AAEC"})")).ok());
  EXPECT_FALSE(parse(envelope_json(R"({"keyid":")" + kIdA + R"(","sig":"AAEC","cert":""})")).ok());
  EXPECT_FALSE(parse(envelope_json(R"({"keyid":")" + kIdA + R"("})")).ok());
  EXPECT_FALSE(parse(envelope_json("null")).ok());
  EXPECT_FALSE(parse(envelope_json(std::string(10'000, '[') + std::string(10'000, ']'))).ok());
}

TEST(Dsse, RefusesKeyIdsThatAreNone) {
  for (const std::string& id :
       {std::string(), std::string("admin"), std::string(64, 'A'), std::string(63, 'a'),
        std::string(65, 'a'), std::string(100'000, 'a'), std::string(62, 'a') + "\\n"}) {
    EXPECT_THAT(parse(envelope_json(signature_json(id))).error().message, HasSubstr("keyid"))
        << id.size();
  }
  EXPECT_FALSE(parse(envelope_json(R"({"keyid":null,"sig":"AAEC"})")).ok());
}

TEST(Dsse, RefusesAKeyTwice) {
  const auto twice =
      parse(envelope_json(signature_json(kIdA) + "," + signature_json(kIdA, "BBBB")));
  EXPECT_THAT(twice.error().message, HasSubstr("signatures[1]"));
}

TEST(Dsse, ReadsBase64InEitherAlphabetAndInNoOtherWay) {
  EXPECT_EQ(parse(envelope_json("", "Pz8/")).value().payload, "???");
  EXPECT_EQ(parse(envelope_json("", "Pz8_")).value().payload, "???");
  for (const std::string_view bad :
       {"Pz8/Pz8_", "e30", "e30=e30=", "e3 0", "e30=\\n", "e31=", "e3!=", "===="}) {
    EXPECT_FALSE(parse(envelope_json("", bad)).ok()) << bad;
    EXPECT_FALSE(parse(envelope_json(signature_json(kIdA, bad))).ok()) << bad;
  }
}

TEST(Dsse, KeepsItsLimits) {
  const std::string small = envelope_json("");
  EXPECT_TRUE(parse_dsse(small, kReleasePayloadType, small.size()).ok());
  EXPECT_EQ(parse_dsse(small, kReleasePayloadType, small.size() - 1).error().code,
            ErrorCode::kExhausted);
  EXPECT_EQ(parse(std::string(kMax, ' ') + small).error().code, ErrorCode::kExhausted);

  std::string many;
  for (int i = 0; i < 64; ++i)
    many += (i == 0 ? "" : ",") + signature_json(fmt::format("{:064x}", i));
  EXPECT_EQ(parse(envelope_json(many)).value().signatures.size(), 64u);
  const auto more = parse(envelope_json(many + "," + signature_json(kIdA)));
  EXPECT_EQ(more.error().code, ErrorCode::kExhausted);
  Dsse full = parse(envelope_json(many)).value();
  EXPECT_EQ(merge_signatures(full, parse(envelope_json(signature_json(kIdA))).value()).error().code,
            ErrorCode::kExhausted);

  const std::string longest = to_base64(std::vector<std::byte>(64u << 10));
  EXPECT_TRUE(parse(envelope_json(signature_json(kIdA, longest))).ok());
  const std::string longer = to_base64(std::vector<std::byte>((64u << 10) + 1));
  EXPECT_EQ(parse(envelope_json(signature_json(kIdA, longer))).error().code, ErrorCode::kExhausted);
  EXPECT_FALSE(parse(envelope_json(signature_json(kIdA, ""))).ok());
}

}  // namespace
}  // namespace provisioning
