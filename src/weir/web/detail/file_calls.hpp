// The system calls of temporary files behind a table, so that tests can make them fail.
#pragma once

#include <cstddef>

#include <sys/types.h>

namespace weir::detail {

struct FileCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*pwrite)(int fd, const void* data, std::size_t size, off_t offset);
  int (*linkat)(int from_directory, const char* from, int to_directory, const char* to, int flags);
};

/// What temporary files call. Only tests change it, while nothing else makes files.
extern FileCalls file_calls;

}  // namespace weir::detail
