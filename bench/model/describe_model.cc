#include "bench/model/model_bench.h"
#include "bench/process_memory.h"

namespace bench {

base::Json describe_model(const LocalModel& model) {
  const ModelWork& work = model.work;
  const runtime::MemoryPlan& plan = model.decoder->plan();
  const ProcessMemory memory = process_memory();
  base::Json formats = base::Json::object();
  for (const ModelWork::FormatOps& each : work.formats)
    formats.set(std::string(each.format), each.ops);
  return base::Json::object({{"kernel_set", model.ops->name()},
                             {"load_seconds", model.load_seconds},
                             {"weights_bytes", plan.weights_bytes},
                             {"kv_bytes", plan.kv_bytes},
                             {"resident_bytes", memory.resident_bytes},
                             {"peak_resident_bytes", memory.peak_bytes},
                             {"bytes_per_token", work.bytes_per_token},
                             {"layout_bytes_per_token", work.layout_bytes_per_token},
                             {"layer_ops_per_token", work.layer_ops_per_token},
                             {"head_ops", work.head_ops},
                             {"layer_ops_by_format", std::move(formats)}});
}

double mixed_bound(const MachineLimits& limits, std::string_view kernel_set,
                   const ModelWork& work) {
  double seconds_per_token = 0;
  for (const ModelWork::FormatOps& each : work.formats) {
    const Limit* bound = arithmetic_bound(limits, kernel_set, each.format);
    if (bound == nullptr) return 0;
    seconds_per_token += each.ops / bound->all_threads;
  }
  return seconds_per_token > 0 ? work.layer_ops_per_token / seconds_per_token : 0;
}

}  // namespace bench
