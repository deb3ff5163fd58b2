/* SPDX-License-Identifier: MIT */
/* Files of the boot volume, whole, in pages that the kernel can reach; and their checksums. */
#include "boot/uefi/loader.h"

static EFI_FILE_HANDLE volume_root;

const char *volume_open(EFI_HANDLE image) {
    EFI_LOADED_IMAGE *loaded;
    EFI_STATUS status = BS->HandleProtocol(image, &LoadedImageProtocol, (void **)&loaded);
    volume_root = EFI_ERROR(status) ? NULL : LibOpenRoot(loaded->DeviceHandle);
    return volume_root ? NULL : "the volume that the loader came from cannot be read";
}

void *pages_allocate(EFI_MEMORY_TYPE type, size_t pages) {
    EFI_PHYSICAL_ADDRESS address = MEMORY_TOP;
    EFI_STATUS status = BS->AllocatePages(AllocateMaxAddress, type, pages, &address);
    return EFI_ERROR(status) ? NULL : (void *)(uintptr_t)address;
}

void pages_free(void *address, size_t pages) {
    if (address != NULL) {
        BS->FreePages((uintptr_t)address, pages);
    }
}

static size_t file_pages(size_t length) { return length / PAGE_SIZE + 1; }

void file_free(struct file *file) {
    pages_free(file->bytes, file_pages(file->length));
    *file = (struct file){0};
}

/* The firmware separates folders as DOS did, and has two bytes for a letter. */
static const char *path_open(const char *path, EFI_FILE_HANDLE *handle) {
    CHAR16 name[MENU_PATH + 8];
    size_t length = 0;
    for (; path[length] != 0 && length + 1 < ARRAY_LENGTH(name); length++) {
        name[length] = path[length] == '/' ? '\\' : (CHAR16)path[length];
    }
    name[length] = 0;
    EFI_STATUS status = volume_root->Open(volume_root, handle, name, EFI_FILE_MODE_READ, 0);
    if (status == EFI_NOT_FOUND) {
        return "there is no such file";
    }
    return EFI_ERROR(status) ? "it cannot be opened" : NULL;
}

static const char *handle_length(EFI_FILE_HANDLE handle, size_t *length) {
    EFI_FILE_INFO *information = LibFileInfo(handle);
    if (information == NULL) {
        return "its size cannot be read";
    }
    bool good =
        !(information->Attribute & EFI_FILE_DIRECTORY) && information->FileSize < MEMORY_TOP;
    *length = (size_t)information->FileSize;
    FreePool(information);
    return good ? NULL : "it is a folder, or larger than any memory";
}

static const char *handle_read(EFI_FILE_HANDLE handle, struct file *file) {
    const char *error = handle_length(handle, &file->length);
    if (error != NULL) {
        return error;
    }
    file->bytes = pages_allocate(EfiLoaderData, file_pages(file->length));
    if (file->bytes == NULL) {
        return "there is too little memory for it";
    }
    UINTN length = file->length;
    EFI_STATUS status = handle->Read(handle, &length, file->bytes);
    if (EFI_ERROR(status) || length != file->length) {
        file_free(file);
        return "it cannot be read";
    }
    file->bytes[length] = 0;
    return NULL;
}

const char *volume_read(const char *path, struct file *file) {
    EFI_FILE_HANDLE handle;
    *file = (struct file){0};
    const char *error = path_open(path, &handle);
    if (error == NULL) {
        error = handle_read(handle, file);
        handle->Close(handle);
    }
    return error;
}

const char *volume_check(const char *path, const struct file *file, bool *checked) {
    static const char suffix[] = ".crc";
    char name[MENU_PATH + sizeof(suffix)];
    struct file written;
    u32 wanted = 0, found = 0;
    *checked = false;
    CopyMem(name, (void *)path, strlena((const CHAR8 *)path));
    CopyMem(name + strlena((const CHAR8 *)path), (void *)suffix, sizeof(suffix));
    if (volume_read(name, &written) != NULL) {
        return NULL;
    }
    bool good = checksum_parse((const char *)written.bytes, written.length, &wanted);
    file_free(&written);
    if (!good) {
        return "the file of its checksum is malformed";
    }
    *checked = true;
    if (EFI_ERROR(BS->CalculateCrc32(file->bytes, file->length, &found))) {
        return "its checksum cannot be computed";
    }
    return found == wanted ? NULL : "its checksum is wrong: the file is damaged";
}
