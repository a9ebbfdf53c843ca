#include "daemon/audit/tlog/note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/audit/tlog/text_fields.h"
#include "tests/daemon/audit/tlog/tlog_vector.h"

namespace daemon_audit {
namespace {

using ::testing::HasSubstr;

// The example of golang.org/x/mod/sumdb/note, which the format comes from.
constexpr char kNeumannKey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr char kNeumannText[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
constexpr char kNeumannLine[] =
    "\xE2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    "\n";
// Its seed, behind the fixed head of a PKCS#8 Ed25519 key (RFC 8410 section 7).
std::string neumann_pem() {
  const std::string skey =
      decode_base64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", "seed").value();
  const std::string head("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);
  return "-----BEGIN PRIVATE KEY-----\n" + encode_base64(head + skey.substr(1)) +
         "\n-----END PRIVATE KEY-----\n";
}

std::string neumann_note() {
  return std::string(kNeumannText) + '\n' + kNeumannLine;
}

VerifierKey key_of(std::string_view text) {
  auto key = VerifierKey::parse(text);
  EXPECT_TRUE(key.ok()) << text;
  return key.ok() ? key.value() : VerifierKey();
}

TEST(VerifierKey, ReadsPublishedKeys) {
  for (const char* text :
       {kNeumannKey, "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        kVectorLogKey, kVectorWitnessKey}) {
    EXPECT_EQ(key_of(text).text(), text);
  }
  EXPECT_EQ(key_of(kNeumannKey).id(), 0xc74f20a3u);
  EXPECT_EQ(key_of(kNeumannKey).name(), "PeterNeumann");
  EXPECT_EQ(key_of(kVectorWitnessKey).type(), NoteKeyType::kCosignatureEd25519);
}

TEST(VerifierKey, RefusesWhatIsNone) {
  const std::string body = "+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  for (const std::string& text :
       {std::string(), std::string("PeterNeumann"), std::string("PeterNeumann+c74f20a3"),
        "PeterNeumann+c74f20a4" + body, "PeterNeumann+C74F20A3" + body,
        "PeterNeumann+0c74f20a3" + body, "Peter Neumann+c74f20a3" + body, "+c74f20a3" + body,
        "PeterNeumann+c74f20a3" + body + "\n", " PeterNeumann+c74f20a3" + body,
        "PeterNeumann+c74f20a3" + body.substr(0, body.size() - 4),
        std::string("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq_LDE4izWy10TW"),
        std::string("PeterNeumann+c74f20a3+"), std::string(3000, 'a')}) {
    EXPECT_FALSE(VerifierKey::parse(text).ok()) << text;
  }
}

TEST(VerifierKey, RefusesTypesItDoesNotKnow) {
  const auto refused =
      VerifierKey::parse("PeterNeumann+c74f20a3+AhpcAgcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  EXPECT_THAT(refused.error().message, HasSubstr("type"));
}

TEST(VerifierKey, BoundsItsName) {
  const auto create = [&](std::string name) {
    return VerifierKey::create(std::move(name), NoteKeyType::kEd25519,
                               key_of(kNeumannKey).public_key());
  };
  EXPECT_TRUE(create(std::string(128, 'n')).ok());
  EXPECT_EQ(create(std::string(129, 'n')).error().code, base::ErrorCode::kExhausted);
  for (const char* name : {"", "a b", "a+b", "a\nb", "a\tb",
                           "a\xC2\xA0"
                           "b",
                           "a\xE3\x80\x80"
                           "b",
                           "a\xE2\x80\xA8"
                           "b",
                           "\xFF", "a\x01"}) {
    EXPECT_FALSE(create(name).ok()) << name;
  }
  EXPECT_TRUE(create("redoubt/h\xC3\xB6her").ok());
}

TEST(VerifierKey, KnowsKeysOfMlDsaByTheirLength) {
  const auto key =
      VerifierKey::create("w", NoteKeyType::kCosignatureMlDsa44, std::string(1312, 'k'));
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(key_of(key.value().text()).id(), key.value().id());
  EXPECT_FALSE(
      VerifierKey::create("w", NoteKeyType::kCosignatureMlDsa44, std::string(32, 'k')).ok());
  EXPECT_FALSE(VerifierKey::create("w", NoteKeyType::kEd25519, std::string(1312, 'k')).ok());
}

TEST(SignerKey, SignsThePublishedExampleToTheByte) {
  const auto key = SignerKey::from_pem("PeterNeumann", neumann_pem());
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(key.value().verifier().text(), kNeumannKey);
  EXPECT_EQ(key.value().sign(kNeumannText).value(), kNeumannLine);
}

TEST(SignerKey, IsKeptAsPem) {
  const auto key = SignerKey::generate("redoubt/test").value();
  const auto pem = key.pem().value();
  EXPECT_THAT(std::string(pem.expose_text()), HasSubstr("BEGIN PRIVATE KEY"));
  const auto again = SignerKey::from_pem("redoubt/test", pem.expose_text()).value();
  EXPECT_EQ(again.verifier().text(), key.verifier().text());
  EXPECT_NE(SignerKey::generate("redoubt/test").value().verifier().text(), key.verifier().text());
}

TEST(SignerKey, RefusesWhatIsNoKeyAndWhatIsNoText) {
  EXPECT_FALSE(SignerKey::from_pem("a", "nothing").ok());
  EXPECT_FALSE(SignerKey::from_pem("a b", neumann_pem()).ok());
  EXPECT_FALSE(SignerKey::generate("").ok());
  const auto key = SignerKey::generate("a").value();
  for (const char* text : {"", "no newline", "a\tb\n", "\xFF\n"}) {
    EXPECT_FALSE(key.sign(text).ok()) << text;
  }
}

TEST(Note, ReadsAndWritesThePublishedExample) {
  const auto note = Note::parse(neumann_note());
  ASSERT_TRUE(note.ok()) << note.error().message;
  EXPECT_EQ(note.value().text, kNeumannText);
  ASSERT_EQ(note.value().signatures.size(), 1u);
  EXPECT_EQ(note.value().signatures[0].name, "PeterNeumann");
  EXPECT_EQ(note.value().signatures[0].id, 0xc74f20a3u);
  EXPECT_EQ(note.value().serialize(), neumann_note());
  const VerifierKey keys[] = {key_of(kNeumannKey)};
  EXPECT_EQ(check_note(note.value(), keys).value().size(), 1u);
}

// The example of C2SP signed-note, whose text has a blank line of its own.
TEST(Note, SplitsAtTheLastBlankLine) {
  const std::string text =
      "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\xC3\xA8 subito "
      "sera.\n";
  const std::string line =
      "\xE2\x80\x94 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/"
      "5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
  const auto note = Note::parse(text + "\n" + line).value();
  EXPECT_EQ(note.text, text);
  EXPECT_EQ(note.signatures.at(0).id, 0x367ba04bu);
  EXPECT_EQ(note.signatures.at(0).bytes.size(), 64u);
}

TEST(Note, RefusesWhatIsNone) {
  const std::string text = kNeumannText, line = kNeumannLine;
  for (const std::string& bytes :
       {std::string(), text, text + line, text + '\n', text + "\n\n", "\n" + line,
        text + '\n' + line.substr(0, line.size() - 1), text + '\n' + line + "\n",
        text + '\n' + "- PeterNeumann AAAAAAAA\n", text + '\n' + "\xE2\x80\x94 PeterNeumann\n",
        text + '\n' + "\xE2\x80\x94 PeterNeumann x08gow==\n",
        text + '\n' + "\xE2\x80\x94 PeterNeumann  x08go/ZJ\n",
        text + '\n' + "\xE2\x80\x94 Peter+Neumann x08go/ZJ\n",
        text + '\n' + "\xE2\x80\x94 PeterNeumann x08go/Z\n",
        text + '\n' + "\xE2\x80\x94 PeterNeumann x08go_ZJ\n", "a\tb\n\n" + line, "a\r\n\n" + line,
        "\xC3\x28\n\n" + line, std::string("a\0b\n\n", 5) + line}) {
    EXPECT_FALSE(Note::parse(bytes).ok()) << bytes;
  }
}

TEST(Note, HasRoomForManySignaturesAndABound) {
  const auto with = [](std::size_t count) {
    std::string bytes = neumann_note();
    while (--count > 0) bytes += kNeumannLine;
    return Note::parse(bytes);
  };
  EXPECT_TRUE(with(16).ok());
  EXPECT_TRUE(with(kNoteSignaturesMax).ok());
  EXPECT_EQ(with(kNoteSignaturesMax + 1).error().code, base::ErrorCode::kExhausted);
  const std::string long_text = std::string(kNoteTextBytesMax - 1, 'a') + "\n";
  EXPECT_TRUE(Note::parse(long_text + '\n' + kNeumannLine).ok());
  EXPECT_EQ(Note::parse('a' + long_text + '\n' + kNeumannLine).error().code,
            base::ErrorCode::kExhausted);
  const std::string post_quantum =
      "\xE2\x80\x94 w " + encode_base64(std::string(5'000, 's')) + "\n";
  EXPECT_TRUE(Note::parse("a\n\n" + post_quantum).ok());
  const std::string endless = "\xE2\x80\x94 w " + encode_base64(std::string(9'000, 's')) + "\n";
  EXPECT_EQ(Note::parse("a\n\n" + endless).error().code, base::ErrorCode::kExhausted);
}

TEST(CheckNote, PassesOverUnknownKeysAndDeniesWhenNoneIsKnown) {
  const auto other = SignerKey::generate("PeterNeumann").value();  // the name, another id
  Note note = Note::parse(neumann_note() + other.sign(kNeumannText).value()).value();
  const VerifierKey keys[] = {key_of(kVectorLogKey), key_of(kNeumannKey)};
  const auto known = check_note(note, keys).value();
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].key, 1u);
  EXPECT_EQ(check_note(note, std::span(keys, 1)).error().code, base::ErrorCode::kDenied);
  EXPECT_EQ(check_note(note, {}).error().code, base::ErrorCode::kDenied);
}

TEST(CheckNote, DeniesWhenAKnownSignatureDoesNotHoldThoughAnotherDoes) {
  const VerifierKey keys[] = {key_of(kNeumannKey)};
  std::string bad = kNeumannLine;
  bad[bad.size() - 12] = bad[bad.size() - 12] == 'A' ? 'B' : 'A';
  for (const std::string& lines : {bad, kNeumannLine + bad, bad + kNeumannLine}) {
    const auto refused = check_note(Note::parse(kNeumannText + ("\n" + lines)).value(), keys);
    EXPECT_EQ(refused.error().code, base::ErrorCode::kDenied);
    EXPECT_THAT(refused.error().message, HasSubstr("PeterNeumann"));
  }
  const std::string changed = "x" + neumann_note();
  EXPECT_FALSE(check_note(Note::parse(changed).value(), keys).ok());
}

TEST(CheckNote, SaysWhenAWitnessSigned) {
  const std::string_view proof = kVectorProof;
  const Note note = Note::parse(proof.substr(proof.find("\n\n") + 2)).value();
  const VerifierKey keys[] = {key_of(kVectorWitnessKey), key_of(kVectorLogKey)};
  const auto known = check_note(note, keys).value();
  ASSERT_EQ(known.size(), 2u);
  EXPECT_EQ(known[0].key, 1u);
  EXPECT_EQ(known[0].time, 0u);
  EXPECT_EQ(known[1].key, 0u);
  EXPECT_EQ(known[1].time, kVectorWitnessTime);
}

// One key as a log's (type 1) and as a witness's (type 4) has two ids; neither signature is the
// other's.
TEST(CheckNote, DoesNotTakeASignatureOfOneKindForTheOther) {
  const auto log = key_of(kVectorLogKey);
  const auto witness =
      VerifierKey::create(log.name(), NoteKeyType::kCosignatureEd25519, log.public_key()).value();
  EXPECT_NE(witness.id(), log.id());
  const auto signer = SignerKey::from_pem(log.name(), kVectorLogPem).value();
  const Note note = Note::parse("a\n\n" + signer.sign("a\n").value()).value();
  EXPECT_TRUE(log.check(note.text, note.signatures[0].bytes).ok());
  EXPECT_EQ(witness.check(note.text, note.signatures[0].bytes).error().code,
            base::ErrorCode::kDenied);
  EXPECT_FALSE(witness.check(note.text, "short").ok());
  std::string beyond = std::string(8, '\xFF') + note.signatures[0].bytes;
  EXPECT_THAT(witness.check(note.text, beyond).error().message, HasSubstr("2^63"));
}

TEST(CheckNote, PassesOverAWitnessWhoseAlgorithmIsNotHere) {
  const auto witness =
      VerifierKey::create("w", NoteKeyType::kCosignatureMlDsa44, std::string(1312, 'k')).value();
  const std::string text = "a\n1\n" + encode_base64(std::string(32, 'r')) + "\n";
  const auto checked = witness.check(text, std::string(8 + 2420, '\0'));
  if (checked.error().code != base::ErrorCode::kUnsupported) {
    EXPECT_EQ(checked.error().code, base::ErrorCode::kDenied);
    GTEST_SKIP() << "this OpenSSL has ML-DSA-44";
  }
  std::string id;
  for (int shift = 24; shift >= 0; shift -= 8) id += static_cast<char>(witness.id() >> shift);
  const auto signer = SignerKey::generate("log").value();
  const std::string line = "\xE2\x80\x94 w " + encode_base64(id + std::string(2428, '\0')) + "\n";
  const Note note = Note::parse(text + '\n' + line + signer.sign(text).value()).value();
  const VerifierKey keys[] = {witness, signer.verifier()};
  const auto known = check_note(note, keys);
  ASSERT_TRUE(known.ok()) << known.error().message;
  ASSERT_EQ(known.value().size(), 1u);
  EXPECT_EQ(known.value()[0].key, 1u);
}

}  // namespace
}  // namespace daemon_audit
