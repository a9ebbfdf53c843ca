#include "daemon/audit/log/open_requests.h"

#include "daemon/audit/records/record.h"

namespace daemon_audit {

OpenRequests::OpenRequests(const std::vector<OpenRequest>& requests) {
  for (const auto& request : requests) open(request.writer, request.index, request.id);
}

void OpenRequests::note(std::uint64_t writer, std::uint64_t index, std::string_view type,
                        const base::Json& body) {
  if (type == "request.lost") {
    const base::Json* admitted = body.find("admitted");
    if (admitted != nullptr && admitted->is_int()) {
      lose(static_cast<std::uint64_t>(admitted->as_int()));
    }
    return;
  }
  const bool admitted = type == "request.admitted";
  // Writer 0 stands for entries that are said again: the state has counted them.
  if (writer == 0 || (!admitted && type != "request.finished")) return;
  const base::Json* id = body.find("request");
  if (id == nullptr || !id->is_string() || id->as_string().size() > kRequestIdBytesMax) return;
  if (admitted) {
    open(writer, index, id->as_string());
  } else {
    close(writer, id->as_string());
  }
}

std::optional<std::uint64_t> OpenRequests::find(std::uint64_t writer, const std::string& id) const {
  const auto found = by_id_.find({writer, id});
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

void OpenRequests::open(std::uint64_t writer, std::uint64_t index, const std::string& id) {
  by_index_[index] = {.writer = writer, .index = index, .id = id};
  by_id_[{writer, id}] = index;
}

void OpenRequests::close(std::uint64_t writer, const std::string& id) {
  const auto found = by_id_.find({writer, id});
  if (found == by_id_.end()) return;
  by_index_.erase(found->second);
  by_id_.erase(found);
}

void OpenRequests::lose(std::uint64_t index) {
  const auto found = by_index_.find(index);
  if (found == by_index_.end()) return;
  const auto named = by_id_.find({found->second.writer, found->second.id});
  if (named != by_id_.end() && named->second == index) by_id_.erase(named);
  by_index_.erase(found);
}

std::vector<OpenRequest> OpenRequests::all() const {
  return oldest(by_index_.size());
}

std::vector<OpenRequest> OpenRequests::of(std::uint64_t writer) const {
  std::vector<OpenRequest> requests;
  for (const auto& [index, request] : by_index_) {
    if (request.writer == writer) requests.push_back(request);
  }
  return requests;
}

std::vector<OpenRequest> OpenRequests::oldest(std::size_t count) const {
  std::vector<OpenRequest> requests;
  for (auto at = by_index_.begin(); at != by_index_.end() && requests.size() < count; ++at) {
    requests.push_back(at->second);
  }
  return requests;
}

base::Json lost_body(const OpenRequest& request) {
  return base::Json::object({{"request", request.id}, {"admitted", request.index}});
}

}  // namespace daemon_audit
