// Reads and writes whole files. Any thread; calls block as long as the disk does.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace regsync {

// The bytes of a regular file (symbolic links are followed; the null device reads as empty). Throws Error: not_found if
// there is no file; file_missing for a symbolic link whose target does not exist; invalid_input for a folder, FIFO,
// socket or device, an unreadable file, or one larger than max_bytes. Never waits for another program.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

// The same, but returns nullopt if there is no file.
std::optional<std::string> read_file_if_exists(const std::filesystem::path& path, std::size_t max_bytes);

// The same, but returns nullopt on any error, for callers that have a fallback.
std::optional<std::string> try_read_file(const std::filesystem::path& path, std::size_t max_bytes);

// Throws Error(file_missing) if a path does not exist because it is, or passes through, a dangling symbolic link: the
// target is expected to exist, for example in a home that is not mounted.
void require_no_link_to_nothing(const std::filesystem::path& path);

// The entries of a folder, sorted by name, as far as they can be read.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

// Resolves the path to write to: follows symbolic links (people keep their dotfiles elsewhere) and returns any other
// path unchanged. Throws Error(file_missing) for a dangling link, such as one into a home that is not mounted: a file
// written in place of the link would hide the target once it is mounted. Throws Error(invalid_input) for a link owned
// by another user who is neither root nor the owner of its folder: in /tmp, others could choose the file to replace.
std::filesystem::path behind_link(const std::filesystem::path& path);

// mkdir -p with mode 0700; returns the reason for a failure. A folder created by root gets the owner of its parent:
// `sudo regsync` with a user's HOME must not create folders there that the user cannot access.
std::error_code try_make_folder(const std::filesystem::path& folder);

// If this process is root, gives the open file to the owner of `path`. False if that fails.
bool give_to_owner_of(const std::filesystem::path& path, int fd);

// Creates the folder and its missing parents if needed, and denies other users access (0700). Throws
// Error(invalid_input) if the path is a symbolic link, another kind of file, or another user's folder.
void make_private_folder(const std::filesystem::path& folder);

// Writes `content` atomically: to a temporary file beside `path`, synced, then renamed over it. Replaces the file that
// a symbolic link names, not the link (see behind_link), and refuses to replace anything but a regular file. Creates
// missing folders (0700). A file written by root gets the owner of the file it replaces, or of the folder if there is
// none. Throws Error(invalid_input) naming the path and the cause, and as behind_link() does.
void write_whole(const std::filesystem::path& path, std::string_view content, unsigned mode = 0600);

// Makes renames and removals in a folder survive a power failure. Ignores errors.
void sync_folder(const std::filesystem::path& folder);

// Appends `content` to an existing file without syncing. Throws Error(invalid_input) naming the path and the cause;
// part of it may have been written by then.
void append(const std::filesystem::path& path, std::string_view content);

// An advisory lock on a folder, held while the object lives. Creates the folder if needed (0700). Waits for another
// holder; after `patience` the holder is presumably stopped or hangs on its disk, and the constructor throws
// Error(timeout). On a file system without locks it excludes nobody.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder,
                      std::chrono::milliseconds patience = std::chrono::seconds(5));
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  FolderLock(FolderLock&&) = delete;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace regsync
