#include "daemon/engine/own_signature.h"

#include "provisioning/ecdsa_key.h"
#include "provisioning/envelope.h"

namespace daemon_engine {

base::Status sign_for_ourselves(const base::Fd& directory, EngineConfig& config,
                                const provisioning::FileVerifier::Progress& progress) {
  const auto key = TRY(provisioning::PrivateKey::generate(provisioning::Curve::kP384));
  const auto statement = TRY(provisioning::describe_directory(directory, "ours", progress));
  const auto envelope =
      TRY(provisioning::seal_payload(provisioning::serialize_statement(statement), key));
  config.signature_text = provisioning::serialize_envelope(envelope);
  config.trusted_keys_pem = {TRY(key.public_key()).pem()};
  return {};
}

}  // namespace daemon_engine
