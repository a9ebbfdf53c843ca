// The store's models for people and for scripts.
#ifndef DAEMON_CLI_MODELS_TEXT_H_
#define DAEMON_CLI_MODELS_TEXT_H_

#include <string>
#include <vector>

#include "hardening/base/json.h"
#include "provisioning/store/activation.h"
#include "provisioning/store/model_store.h"

namespace daemon_cli {

// "active", "previous", "on trial (started 1 of 3 times)", "pinned", "failed: why"; several of them
// with commas, "-" for none.
std::string model_state(const provisioning::StoredModel& model,
                        const provisioning::Activation& activation);

std::string format_models(const std::vector<provisioning::StoredModel>& models,
                          const provisioning::Activation& activation);

// {"models":[{"id":…,"name":…,"bare":…,"sequence":…,"version":…,"bytes":…,"imported":…,"signers":[…],
//   "active":…,"previous":…,"trial":…,"pinned":…,"failed":"why" or null},…]}
base::Json models_json(const std::vector<provisioning::StoredModel>& models,
                       const provisioning::Activation& activation);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_MODELS_TEXT_H_
