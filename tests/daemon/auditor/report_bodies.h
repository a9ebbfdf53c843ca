// Bodies as a gateway and a supervisor write them (daemon/audit/records/body_schema.h).
#ifndef TESTS_DAEMON_AUDITOR_REPORT_BODIES_H_
#define TESTS_DAEMON_AUDITOR_REPORT_BODIES_H_

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/hex.h"
#include "provisioning/sha256.h"

namespace daemon_auditor {

inline std::string sealed_member(std::string_view sealed) {
  if (sealed.empty()) return "";
  return fmt::format(R"(,"sealed":{{"digest":"{}","bytes":{}}})",
                     base::to_hex(provisioning::sha256(sealed)), sealed.size());
}

inline std::string admitted_body(std::string_view request, std::string_view sealed = "") {
  return fmt::format(
      R"({{"request":"{}","client":{{"address":"192.0.2.7","port":4711}},"key":"k1","method":"POST",)"
      R"("endpoint":"/v1/completions","stream":true,"model":{{"name":"m","digest":"{:064}"}},)"
      R"("kernels":"portable","parameters":{{"temperature":0.7}},"seed":"18446744073709551615",)"
      R"("created":1790000000,"prompts":[{{"tokens":12,"tokens_max":64}}]{}}})",
      request, 0, sealed_member(sealed));
}

inline std::string finished_body(std::string_view request, std::string_view sealed = "") {
  return fmt::format(
      R"({{"request":"{}","client":{{"address":"192.0.2.7","port":4711}},"key":"k1",)"
      R"("endpoint":"/v1/completions","model":{{"name":"m","digest":"{:064}"}},)"
      R"("kernels":"portable","outcome":"ok","status":200,"prompt_tokens":12,)"
      R"("completion_tokens":3,"cached_tokens":0,"choices":[{{"index":0,"tokens":3,)"
      R"("finish":"stop"}}],"device_us":900,"duration_us":1200,"resumed":0{}}})",
      request, 0, sealed_member(sealed));
}

inline std::string refused_body(std::string_view code = "overloaded") {
  return fmt::format(R"({{"key":"k1","status":503,"code":"{}","count":1}})", code);
}

inline std::string health_body(std::string_view why) {
  return fmt::format(R"({{"what":"engine","from":"ready","to":"down","why":"{}"}})", why);
}

}  // namespace daemon_auditor

#endif  // TESTS_DAEMON_AUDITOR_REPORT_BODIES_H_
