// One page of memory by which the engine shows that it gets on, without a system call: a counter
// that rises with every layer of every forward pass, and whether a pass is running. A step that is
// stuck is so told from one that is long.
//
// The page is a memfd sealed against shrinking and growing. The engine maps it writable; the
// supervisor maps it read-only, so that whatever an engine does to it can at worst be a lie about
// the engine's own progress.
#ifndef DAEMON_PROGRESS_PROGRESS_PAGE_H_
#define DAEMON_PROGRESS_PROGRESS_PAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_progress {

inline constexpr std::size_t kPageBytes = 4'096;

// What the page holds, at its start. All zero in a new page.
struct PageLayout {
  std::atomic<std::uint64_t> count;
  std::atomic<std::uint32_t> busy;  // not 0: within a forward pass
};
static_assert(sizeof(PageLayout) <= kPageBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// A new page of zeros: sealed in size, and no further seal can be added.
base::Result<base::Fd> create_progress_page();

// A page in this process's memory. Move-only; unmaps it.
class PageMapping {
 public:
  PageMapping() = default;
  PageMapping(PageMapping&& other) noexcept;
  PageMapping& operator=(PageMapping&& other) noexcept;
  PageMapping(const PageMapping&) = delete;
  PageMapping& operator=(const PageMapping&) = delete;
  ~PageMapping();

  // kInvalidInput unless `fd` is a page of create_progress_page(): one that could shrink would be a
  // trap. The descriptor may be closed afterwards.
  static base::Result<PageMapping> map(const base::Fd& fd, bool writable);

  PageLayout* layout() const { return layout_; }  // null when default-made

 private:
  explicit PageMapping(PageLayout* layout) : layout_(layout) {}

  PageLayout* layout_ = nullptr;
};

// The engine's side. One thread.
class ProgressWriter {
 public:
  static base::Result<ProgressWriter> map(const base::Fd& fd);

  void begin() { page_.layout()->busy.store(1, std::memory_order_relaxed); }
  void end() { page_.layout()->busy.store(0, std::memory_order_relaxed); }

  // For what counts the layers; lives as long as the writer, wherever that is moved.
  std::atomic<std::uint64_t>& counter() { return page_.layout()->count; }

 private:
  explicit ProgressWriter(PageMapping page) : page_(std::move(page)) {}

  PageMapping page_;
};

// The supervisor's side.
class ProgressReader {
 public:
  struct Reading {
    std::uint64_t count = 0;
    bool busy = false;
  };

  static base::Result<ProgressReader> map(const base::Fd& fd);

  Reading read() const {
    return {page_.layout()->count.load(std::memory_order_relaxed),
            page_.layout()->busy.load(std::memory_order_relaxed) != 0};
  }

 private:
  explicit ProgressReader(PageMapping page) : page_(std::move(page)) {}

  PageMapping page_;
};

}  // namespace daemon_progress

#endif  // DAEMON_PROGRESS_PROGRESS_PAGE_H_
