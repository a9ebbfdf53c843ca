#include "daemon/doctor/site_checks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <limits>
#include <memory>

#include "daemon/doctor/system_view.h"
#include "daemon/supervisor/audit_health.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"

namespace daemon_doctor {
namespace {

using base::Json;

constexpr std::size_t kCertificateBytesMax = 65'536;
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kCertificateWarningDays = 30;
constexpr unsigned kDiskWarningPercent = 75;
constexpr unsigned kDiskFaultPercent = 97;

Finding check_state(const std::string& directory) {
  const auto owner = SystemView().owner(directory);
  if (!owner)
    return {"site.state", Level::kNote, directory + " is not there yet: nothing was imported", {}};
  if ((owner->mode & 0077U) != 0)
    return {"site.state", Level::kWarning,
            fmt::format("{} has mode {:04o}: others than its owner can look into it", directory,
                        owner->mode),
            "chmod 0700 " + directory};
  return {"site.state", Level::kOk, directory, {}};
}

std::optional<Finding> check_disk(const std::string& directory) {
  const auto fd = base::open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::nullopt;
  const auto usage = daemon_supervisor::disk_usage(fd.value());
  if (!usage) return std::nullopt;
  Finding finding{"site.disk",
                  Level::kOk,
                  fmt::format("{} % used, {} MiB free below {}", usage->percent,
                              usage->free_bytes >> 20, directory),
                  {}};
  if (usage->percent >= kDiskWarningPercent) {
    finding.level = usage->percent >= kDiskFaultPercent ? Level::kFault : Level::kWarning;
    finding.mend =
        "redoubt models gc; move the journal or the log's old parts away. When it is full, the "
        "audit log "
        "cannot be written, and work is refused.";
  }
  return finding;
}

std::optional<Finding> check_tls(const daemon_config::Config& config, std::int64_t now) {
  const std::string path = daemon_supervisor::StatePaths(config).tls_certificate;
  const auto pem = base::read_text_file(path, kCertificateBytesMax);
  if (pem.ok()) return check_certificate(path, pem.value(), now);
  if (pem.error().code == base::ErrorCode::kNotFound && config.server.tls_certificate.empty())
    return std::nullopt;  // one is made at the first start
  return Finding{"site.certificate", Level::kFault, pem.error().message,
                 "server.tls_certificate names a file that the service can read."};
}

std::string text_of(const Json* json, std::string_view name) {
  const Json* value = json != nullptr && json->is_object() ? json->find(name) : nullptr;
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

void check_roles(const Json& status, Findings& findings) {
  const Json* roles = status.find("roles");
  if (roles == nullptr || !roles->is_array()) return;
  for (const Json& role : roles->as_array()) {
    const Json* degraded = role.is_object() ? role.find("degraded") : nullptr;
    if (degraded == nullptr || !degraded->is_bool() || !degraded->as_bool()) continue;
    findings.push_back(
        {"service.roles", Level::kFault,
         "the role " + text_of(&role, "name") +
             " keeps failing, the last time: " + text_of(&role, "last_exit"),
         "journalctl -u redoubt has the first failure; mend that, then systemctl reload redoubt."});
  }
}

}  // namespace

Finding check_certificate(const std::string& path, const std::string& pem, std::int64_t now) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
      BIO_new_mem_buf(pem.data(),
                      static_cast<int>(std::min<std::size_t>(pem.size(), kCertificateBytesMax))),
      &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      memory ? PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free);
  if (!certificate)
    return {"site.certificate", Level::kFault, path + " has no certificate in PEM",
            "Put the chain there, the server's own certificate first."};
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> today(
      ASN1_TIME_set(nullptr, static_cast<time_t>(now)), &ASN1_TIME_free);
  int days = 0;
  int seconds = 0;
  if (!today ||
      ASN1_TIME_diff(&days, &seconds, today.get(), X509_get0_notAfter(certificate.get())) != 1)
    return {"site.certificate", Level::kFault, path + ": its last day cannot be read", {}};
  const std::int64_t left = std::int64_t{days} * kDay + seconds;
  if (left < 0)
    return {"site.certificate", Level::kFault, fmt::format("{} has ended {} days ago", path, -days),
            "Put a new chain there, systemctl reload redoubt. (One that Redoubt made itself: "
            "remove it and its key, restart.)"};
  if (days < kCertificateWarningDays)
    return {"site.certificate", Level::kWarning, fmt::format("{} ends in {} days", path, days),
            "Have a new one made; systemctl reload redoubt takes it up."};
  return {"site.certificate", Level::kOk, fmt::format("{} holds for {} days", path, days), {}};
}

Findings check_site(const daemon_config::Config& config, std::int64_t now) {
  Findings findings;
  findings.push_back(check_state(config.paths.state));
  if (auto disk = check_disk(config.paths.state)) findings.push_back(std::move(*disk));
  if (auto tls = check_tls(config, now)) findings.push_back(std::move(*tls));
  return findings;
}

Findings check_service(const base::Result<Json>& status) {
  if (!status.ok())
    return {{"service.state", Level::kNote,
             "the service does not answer: " + status.error().message,
             "systemctl start redoubt, if it is meant to run; redoubt status needs root or the "
             "group redoubt."}};
  Findings findings;
  const std::string state = text_of(&status.value(), "state");
  findings.push_back({"service.state", state == "ready" ? Level::kOk : Level::kWarning,
                      "the service is " + state,
                      state == "ready" ? "" : "redoubt status says which role it waits for."});
  check_roles(status.value(), findings);
  const std::string audit = text_of(status.value().find("audit"), "sentence");
  if (!audit.empty())
    findings.push_back({"service.audit", Level::kFault, "audit " + audit,
                        "Make room on the disk, or mend it: work is taken again by itself."});
  return findings;
}

}  // namespace daemon_doctor
