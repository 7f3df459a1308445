// Files, read and written whole. Any thread; the calls block for as long as the disk does.
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

// The bytes of a regular file (symbolic links are followed; the null device reads as empty). Throws Error: not_found
// where there is no file, invalid_input for a folder, a FIFO, a socket or a device, for a file that may not be read,
// and for one that is larger than max_bytes; file_missing for a symbolic link whose target does not exist. Never waits
// for another program.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

// The same; nothing where there is no file.
std::optional<std::string> read_file_if_exists(const std::filesystem::path& path, std::size_t max_bytes);

// The same; nothing where it cannot be read, for whoever has something to fall back on.
std::optional<std::string> try_read_file(const std::filesystem::path& path, std::size_t max_bytes);

// Throws Error(file_missing) where a path does not exist because it is, or leads through, a symbolic link to nothing:
// somebody meant something to be there, as in a home that is not mounted.
void require_no_link_to_nothing(const std::filesystem::path& path);

// What is in a folder, in the order of the names; as far as it can be read.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

// The file that a symbolic link names (people keep their dotfiles elsewhere), and any other path as it is; to write
// there. Throws Error(file_missing) where the link leads to nothing, as into a home that is not mounted: what is there
// once it is must not be hidden by a file in place of the link. And Error(invalid_input) where a link is another
// user's, who is neither root nor the owner of its folder: in /tmp, others could choose the file that is replaced.
std::filesystem::path behind_link(const std::filesystem::path& path);

// mkdir -p with 0700; why it could not. A folder that root makes belongs to the owner of the folder it is in: `sudo
// regsync` with a person's HOME must not take the person's folders away.
std::error_code try_make_folder(const std::filesystem::path& folder);

// Where root made the open file: gives it to the owner of `path`. False where that fails.
bool give_to_owner_of(const std::filesystem::path& path, int fd);

// Makes the folder (and missing ones above it) if need be, and closes it to other users (0700). Throws
// Error(invalid_input) where a symbolic link, another kind of file or another user's folder is in its place.
void make_private_folder(const std::filesystem::path& folder);

// Writes `content` whole: to a file of its own beside `path`, synced, then renamed over it. Replaces the file that a
// symbolic link names, not the link (see behind_link), and nothing but a regular file. Makes missing folders (0700).
// What root writes belongs to the owner of the file it replaces, else of the folder. Throws Error(invalid_input) naming
// the path and the cause, and as behind_link() does.
void write_whole(const std::filesystem::path& path, std::string_view content, unsigned mode = 0600);

// What was renamed or removed in a folder stays so after a power failure. Where the folder cannot be synced, nothing is
// said.
void sync_folder(const std::filesystem::path& folder);

// Adds `content` at the end of a file that is there; not synced. Throws Error(invalid_input) naming the path and the
// cause; a part may have been written then.
void append(const std::filesystem::path& path, std::string_view content);

// Keeps programs that do the same out of a folder while it lives. Makes the folder if need be (0700). Waits for one
// that has it; after `patience` that one is stopped, or hangs on its disk, and the constructor throws Error(timeout). A
// file system without locks keeps nobody out.
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
