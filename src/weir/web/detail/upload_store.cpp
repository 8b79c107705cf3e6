#include "weir/web/detail/upload_store.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/json/json.hpp"

namespace weir::detail {

namespace {

constexpr std::size_t id_size = 32;
constexpr off_t max_record = 1 << 20;  // bytes; names and types come in header fields, which are bounded

std::int64_t seconds(WallTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// 128 random bits: who does not know an upload cannot guess its name.
Result<std::string> random_id() {
  std::array<unsigned char, id_size / 2> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail(system_error(errno, "make the name of an upload"));
  }
  std::string id;
  for (const unsigned char byte : bytes) {
    constexpr std::string_view hex = "0123456789abcdef";
    id += hex[byte >> 4];
    id += hex[byte & 15];
  }
  return id;
}

bool is_id(std::string_view text) noexcept {
  return text.size() == id_size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A full disk is not the client's fault; anything else is for the log, not for clients.
Error disk_error(int error) {
  if (error == ENOSPC || error == EDQUOT) return {Errc::unavailable, "there is no room to store the upload"};
  return {Errc::internal, system_error(error, "store an upload").message()};
}

Result<void> write_whole(const std::string& path, std::string_view text, bool durable) {
  const std::string beside = path + ".new";
  const net::Fd fd(::open(beside.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) return fail(disk_error(errno));
  const bool written = ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       (!durable || ::fsync(fd.get()) == 0) && std::rename(beside.c_str(), path.c_str()) == 0;
  if (!written) {
    const int error = errno;
    static_cast<void>(::unlink(beside.c_str()));
    return fail(disk_error(error));
  }
  return {};
}

}  // namespace

UploadStore::UploadStore(const ResumableUploadOptions& options) : options_(options) {
  std::filesystem::create_directories(options_.directory);
  load();
}

std::string UploadStore::file(std::string_view id, std::string_view ending) const {
  return options_.directory + "/" + std::string(id) + std::string(ending);
}

void UploadStore::load() {
  std::vector<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
    const std::string name = entry.path().filename().string();
    const std::string stem = entry.path().stem().string();
    if (name.ends_with(".json.new")) std::filesystem::remove(entry.path());
    if (!is_id(stem)) continue;
    if (name.ends_with(".json")) ids.push_back(stem);
    // Content that nothing is known about: the process ended while the upload was made.
    if (name.ends_with(".part") && !std::filesystem::exists(file(stem, ".json"))) {
      std::filesystem::remove(entry.path());
    }
  }
  std::ranges::for_each(ids, [this](const std::string& id) { load_one(id); });
}

void UploadStore::load_one(const std::string& id) {
  auto upload = std::make_shared<StoredUpload>();
  upload->id = id;
  upload->path = file(id, ".part");
  const net::Fd about(::open(file(id, ".json").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info{};
  bool good = about.get() >= 0 && ::fstat(about.get(), &info) == 0 && info.st_size <= max_record;
  std::string text(good ? static_cast<std::size_t>(info.st_size) : 0, '\0');
  good = good && ::read(about.get(), text.data(), text.size()) == info.st_size;
  good = good && json::read(text, upload->record).has_value();
  if (good && !upload->record.complete) {
    upload->file = net::Fd(::open(upload->path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    good = upload->file.get() >= 0 && ::fstat(upload->file.get(), &info) == 0;
    upload->file = net::Fd();  // opened again by who writes: thousands may rest
    upload->size = static_cast<std::uint64_t>(info.st_size);
  } else if (good) {
    upload->size = upload->record.length.value_or(0);
    static_cast<void>(::unlink(upload->path.c_str()));
  }
  if (!good) {  // A part of its state is lost: then there is no such upload (section 4.1.1 of the draft).
    static_cast<void>(::unlink(upload->path.c_str()));
    static_cast<void>(::unlink(file(id, ".json").c_str()));
    return;
  }
  upload->touched_s = info.st_mtim.tv_sec;
  upload->reserved = upload->record.complete ? 0 : std::max(upload->size, upload->record.length.value_or(0));
  total_ += upload->reserved;
  uploads_.emplace(id, std::move(upload));
}

Result<void> UploadStore::reserve(StoredUpload& upload, std::uint64_t bytes) {
  if (bytes > options_.max_size) {
    return fail(Errc::too_large, "an upload may have " + std::to_string(options_.max_size) + " bytes");
  }
  const std::lock_guard lock(mutex_);
  if (bytes <= upload.reserved) return {};
  if (total_ + (bytes - upload.reserved) > options_.max_total) {
    return fail(Errc::resource_exhausted, "there is no room for another upload now");
  }
  total_ += bytes - upload.reserved;
  upload.reserved = bytes;
  return {};
}

Result<void> UploadStore::write_record(const StoredUpload& upload) const {
  return write_whole(file(upload.id, ".json"), json::to_string(upload.record), options_.durable);
}

Result<UploadState> UploadStore::create(UploadRecord record, WallTime now) {
  {
    const std::lock_guard lock(mutex_);
    if (uploads_.size() >= options_.max_uploads) {
      return fail(Errc::resource_exhausted, "there are too many unfinished uploads");
    }
  }
  Result<std::string> id = random_id();
  if (!id) return fail(std::move(id.error()));
  auto upload = std::make_shared<StoredUpload>();
  upload->id = *id;
  upload->path = file(*id, ".part");
  upload->record = std::move(record);
  upload->touched_s = seconds(now);
  if (Result<void> room = reserve(*upload, upload->record.length.value_or(0)); !room) {
    return fail(std::move(room.error()));
  }
  upload->file = net::Fd(::open(upload->path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
  Result<void> made;
  if (upload->file.get() < 0) made = fail(disk_error(errno));
  if (made) made = write_record(*upload);
  if (!made) {
    remove(upload);
    return fail(std::move(made.error()));
  }
  upload->generation = 1;
  {
    const std::lock_guard lock(mutex_);
    uploads_.emplace(*id, upload);
  }
  return UploadState{upload, 1, 0, upload->record.length, false};
}

Result<UploadState> UploadStore::take(const std::string& id) {
  UploadHandle upload;
  {
    const std::lock_guard lock(mutex_);
    const auto at = uploads_.find(id);
    if (at != uploads_.end()) upload = at->second;
  }
  if (upload == nullptr) return fail(Errc::not_found, "there is no such upload");
  const std::lock_guard lock(upload->mutex);
  if (upload->gone) return fail(Errc::not_found, "there is no such upload");
  const std::uint64_t generation = ++upload->generation;
  return UploadState{upload, generation, upload->size, upload->record.length, upload->record.complete};
}

Result<void> UploadStore::set_length(const UploadState& state, std::uint64_t length) {
  StoredUpload& upload = *state.upload;
  const std::lock_guard lock(upload.mutex);
  if (upload.record.length == length) return {};
  if (upload.record.length || length < upload.size) {
    return fail(Errc::invalid_argument, "another length was announced before");
  }
  if (Result<void> room = reserve(upload, length); !room) return room;
  upload.record.length = length;
  return write_record(upload);
}

Result<void> UploadStore::append(const UploadState& state, std::string_view bytes, WallTime now) {
  StoredUpload& upload = *state.upload;
  const std::lock_guard lock(upload.mutex);
  if (upload.gone || upload.finishing || upload.record.complete || upload.generation != state.generation) {
    return fail(Errc::aborted, "another request has taken this upload over");
  }
  const std::uint64_t end = upload.size + bytes.size();
  if (upload.record.length && end > *upload.record.length) {
    return fail(Errc::out_of_range, "more has come than was announced");
  }
  if (Result<void> room = reserve(upload, end); !room) return room;
  if (upload.file.get() < 0) {
    upload.file = net::Fd(::open(upload.path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (upload.file.get() < 0) return fail(disk_error(errno));
  }
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(upload.file.get(), bytes.data(), bytes.size(), static_cast<off_t>(upload.size));
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail(disk_error(errno));
    }
    upload.size += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  const std::lock_guard store_lock(mutex_);
  upload.touched_s = seconds(now);
  return {};
}

Result<void> UploadStore::settle(const UploadState& state) {
  StoredUpload& upload = *state.upload;
  const std::lock_guard lock(upload.mutex);
  if (upload.file.get() < 0) return {};
  if (options_.durable && ::fdatasync(upload.file.get()) != 0) return fail(disk_error(errno));
  if (upload.generation == state.generation) upload.file = net::Fd();
  return {};
}

Result<void> UploadStore::begin_finish(const UploadState& state) {
  StoredUpload& upload = *state.upload;
  const std::lock_guard lock(upload.mutex);
  if (upload.gone || upload.finishing || upload.record.complete || upload.generation != state.generation) {
    return fail(Errc::aborted, "another request has taken this upload over");
  }
  if (upload.record.length && *upload.record.length != upload.size) {
    return fail(Errc::invalid_argument, "less has come than was announced");
  }
  upload.finishing = true;
  return {};
}

void UploadStore::release(StoredUpload& upload) noexcept {
  const std::lock_guard lock(upload.mutex);
  upload.finishing = false;
}

Result<void> UploadStore::finish(StoredUpload& upload) {
  const std::lock_guard lock(upload.mutex);
  upload.record.complete = true;
  upload.record.length = upload.size;
  upload.file = net::Fd();
  Result<void> written = write_record(upload);
  static_cast<void>(::unlink(upload.path.c_str()));
  const std::lock_guard store_lock(mutex_);
  total_ -= std::exchange(upload.reserved, 0);
  return written;
}

void UploadStore::remove(const UploadHandle& upload) {
  const std::lock_guard lock(upload->mutex);
  upload->gone = true;
  upload->file = net::Fd();
  // What is known about it goes first: content alone is nothing after a restart.
  static_cast<void>(::unlink(file(upload->id, ".json").c_str()));
  static_cast<void>(::unlink(upload->path.c_str()));
  const std::lock_guard store_lock(mutex_);
  total_ -= std::exchange(upload->reserved, 0);
  uploads_.erase(upload->id);
}

std::chrono::seconds UploadStore::left(const StoredUpload& upload, WallTime now) {
  const std::lock_guard lock(mutex_);
  const std::chrono::seconds end = std::chrono::seconds(upload.touched_s) + options_.max_age;
  return std::max(end - std::chrono::seconds(seconds(now)), std::chrono::seconds(0));
}

void UploadStore::clean_up_if_due(WallTime now) {
  {
    const std::lock_guard lock(mutex_);
    if (seconds(now) < cleaned_s_ + 60) return;
  }
  clean_up(now);
}

void UploadStore::clean_up(WallTime now) {
  std::vector<UploadHandle> old;
  {
    const std::lock_guard lock(mutex_);
    cleaned_s_ = seconds(now);
    for (const auto& [id, upload] : uploads_) {
      if (upload->touched_s + options_.max_age.count() < seconds(now)) old.push_back(upload);
    }
  }
  std::ranges::for_each(old, [this](const UploadHandle& upload) { remove(upload); });
}

}  // namespace weir::detail
