/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The second name of each call of <zircon/syscalls.h>, which includes this header at its end.
 * Language runtimes and allocators link against these names, so that a program which puts a
 * function of its own in the place of zx_vmo_create() leaves theirs alone.
 */

#ifndef ZIRCON_SYSCALLS_INTERNAL_UNDERSCORE_NAMES_H_
#define ZIRCON_SYSCALLS_INTERNAL_UNDERSCORE_NAMES_H_

#include <zircon/syscalls.h>

__BEGIN_CDECLS

zx_status_t _zx_pager_create(uint32_t options, zx_handle_t* out);
zx_status_t _zx_pager_create_vmo(zx_handle_t pager, uint32_t options, zx_handle_t port,
                                 uint64_t key, uint64_t size, zx_handle_t* out);
zx_status_t _zx_pager_detach_vmo(zx_handle_t pager, zx_handle_t vmo);
zx_status_t _zx_pager_supply_pages(zx_handle_t pager, zx_handle_t pager_vmo, uint64_t offset,
                                   uint64_t length, zx_handle_t aux_vmo, uint64_t aux_offset);
zx_status_t _zx_pager_op_range(zx_handle_t pager, uint32_t op, zx_handle_t pager_vmo,
                               uint64_t offset, uint64_t length, uint64_t data);
zx_status_t _zx_pager_query_vmo_stats(zx_handle_t pager, zx_handle_t pager_vmo, uint32_t options,
                                      void* buffer, size_t buffer_size);
zx_status_t _zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out);
zx_status_t _zx_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t buffer_size);
zx_status_t _zx_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset,
                          size_t buffer_size);
zx_status_t _zx_vmo_get_size(zx_handle_t handle, uint64_t* size);
zx_status_t _zx_vmo_set_size(zx_handle_t handle, uint64_t size);
zx_status_t _zx_vmo_get_stream_size(zx_handle_t handle, uint64_t* size);
zx_status_t _zx_vmo_set_stream_size(zx_handle_t handle, uint64_t size);
zx_status_t _zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size,
                             void* buffer, size_t buffer_size);
zx_status_t _zx_vmo_create_child(zx_handle_t handle, uint32_t options, uint64_t offset,
                                 uint64_t size, zx_handle_t* out);
zx_status_t _zx_vmo_set_cache_policy(zx_handle_t handle, uint32_t cache_policy);
zx_status_t _zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex, zx_handle_t* out);
zx_status_t _zx_vmo_transfer_data(zx_handle_t dst_vmo, uint32_t options, uint64_t offset,
                                  uint64_t length, zx_handle_t src_vmo, uint64_t src_offset);
zx_status_t _zx_vmar_allocate(zx_handle_t parent_vmar, zx_vm_option_t options, size_t offset,
                              size_t size, zx_handle_t* child_vmar, zx_vaddr_t* child_addr);
zx_status_t _zx_vmar_destroy(zx_handle_t handle);
zx_status_t _zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                         zx_handle_t vmo, uint64_t vmo_offset, size_t len, zx_vaddr_t* mapped_addr);
zx_status_t _zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, size_t len);
zx_status_t _zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr,
                             size_t len);
zx_status_t _zx_vmar_op_range(zx_handle_t handle, uint32_t op, zx_vaddr_t address, size_t size,
                              void* buffer, size_t buffer_size);
zx_status_t _zx_port_create(uint32_t options, zx_handle_t* out);
zx_status_t _zx_port_queue(zx_handle_t handle, const zx_port_packet_t* packet);
zx_status_t _zx_port_wait(zx_handle_t handle, zx_instant_mono_t deadline, zx_port_packet_t* packet);
zx_status_t _zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key);
zx_status_t _zx_port_cancel_key(zx_handle_t handle, uint32_t options, uint64_t key);
zx_status_t _zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                                zx_signals_t* observed);
zx_status_t _zx_object_wait_many(zx_wait_item_t* items, size_t num_items, zx_time_t deadline);
zx_status_t _zx_object_wait_async(zx_handle_t handle, zx_handle_t port, uint64_t key,
                                  zx_signals_t signals, uint32_t options);
zx_status_t _zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
zx_status_t _zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
zx_status_t _zx_object_get_info(zx_handle_t handle, uint32_t topic, void* buffer,
                                size_t buffer_size, size_t* actual, size_t* avail);
zx_status_t _zx_object_get_property(zx_handle_t handle, uint32_t property, void* value,
                                    size_t value_size);
zx_status_t _zx_object_set_property(zx_handle_t handle, uint32_t property, const void* value,
                                    size_t value_size);
zx_status_t _zx_handle_close(zx_handle_t handle);
zx_status_t _zx_handle_close_many(const zx_handle_t* handles, size_t num_handles);
zx_status_t _zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t _zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t _zx_handle_check_valid(zx_handle_t handle);
zx_status_t _zx_event_create(uint32_t options, zx_handle_t* out);
zx_status_t _zx_eventpair_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);
zx_status_t _zx_stream_create(uint32_t options, zx_handle_t vmo, zx_off_t seek,
                              zx_handle_t* out_stream);
zx_status_t _zx_stream_writev(zx_handle_t handle, uint32_t options, const zx_iovec_t* vectors,
                              size_t num_vectors, size_t* actual);
zx_status_t _zx_stream_writev_at(zx_handle_t handle, uint32_t options, zx_off_t offset,
                                 const zx_iovec_t* vectors, size_t num_vectors, size_t* actual);
zx_status_t _zx_stream_readv(zx_handle_t handle, uint32_t options, zx_iovec_t* vectors,
                             size_t num_vectors, size_t* actual);
zx_status_t _zx_stream_readv_at(zx_handle_t handle, uint32_t options, zx_off_t offset,
                                zx_iovec_t* vectors, size_t num_vectors, size_t* actual);
zx_status_t _zx_stream_seek(zx_handle_t handle, zx_stream_seek_origin_t whence, int64_t offset,
                            zx_off_t* out_seek);
zx_instant_mono_t _zx_clock_get_monotonic(void);
zx_instant_mono_t _zx_deadline_after(zx_duration_mono_t nanoseconds);
zx_status_t _zx_nanosleep(zx_instant_mono_t deadline);
uint32_t _zx_system_get_page_size(void);
zx_status_t _zx_vmo_create_contiguous(zx_handle_t bti, size_t size, uint32_t alignment_log2,
                                      zx_handle_t* out);
zx_status_t _zx_vmo_create_physical(zx_handle_t resource, zx_paddr_t paddr, size_t size,
                                    zx_handle_t* out);
zx_status_t _zx_vmar_map_iob(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                             zx_handle_t ep, uint32_t region_index, uint64_t region_offset,
                             size_t region_length, zx_vaddr_t* mapped_addr);
zx_status_t _zx_vmar_map_clock(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                               zx_handle_t clock, size_t len, zx_vaddr_t* mapped_addr);
zx_status_t _zx_object_get_child(zx_handle_t handle, uint64_t koid, zx_rights_t rights,
                                 zx_handle_t* out);
zx_status_t _zx_object_set_profile(zx_handle_t handle, zx_handle_t profile, uint32_t options);
zx_instant_boot_t _zx_clock_get_boot(void);
zx_instant_mono_ticks_t _zx_ticks_get(void);
zx_instant_boot_ticks_t _zx_ticks_get_boot(void);
zx_ticks_t _zx_ticks_per_second(void);
zx_status_t _zx_clock_create(uint64_t options, const void* args, zx_handle_t* out);
zx_status_t _zx_clock_read(zx_handle_t handle, zx_time_t* now);
zx_status_t _zx_clock_get_details(zx_handle_t handle, uint64_t options, void* details);
zx_status_t _zx_clock_update(zx_handle_t handle, uint64_t options, const void* args);
zx_status_t _zx_timer_create(uint32_t options, zx_clock_t clock_id, zx_handle_t* out);
zx_status_t _zx_timer_set(zx_handle_t handle, zx_time_t deadline, zx_duration_t slack);
zx_status_t _zx_timer_cancel(zx_handle_t handle);
uint32_t _zx_system_get_num_cpus(void);
uint64_t _zx_system_get_physmem(void);
zx_string_view_t _zx_system_get_version_string(void);
zx_status_t _zx_system_get_features(uint32_t kind, uint32_t* features);
uint32_t _zx_system_get_dcache_line_size(void);
zx_status_t _zx_system_get_event(zx_handle_t root_job, uint32_t kind, zx_handle_t* event);
void _zx_cprng_draw(void* buffer, size_t buffer_size);
zx_status_t _zx_cprng_add_entropy(const void* buffer, size_t buffer_size);
zx_status_t _zx_cache_flush(const void* addr, size_t size, uint32_t options);
zx_status_t _zx_futex_wait(const zx_futex_t* value_ptr, zx_futex_t current_value,
                           zx_handle_t new_futex_owner, zx_time_t deadline);
zx_status_t _zx_futex_wake(const zx_futex_t* value_ptr, uint32_t wake_count);
zx_status_t _zx_futex_wake_single_owner(const zx_futex_t* value_ptr);
zx_status_t _zx_futex_requeue(const zx_futex_t* value_ptr, uint32_t wake_count,
                              zx_futex_t current_value, const zx_futex_t* requeue_ptr,
                              uint32_t requeue_count, zx_handle_t new_requeue_owner);
zx_status_t _zx_futex_requeue_single_owner(const zx_futex_t* value_ptr, zx_futex_t current_value,
                                           const zx_futex_t* requeue_ptr, uint32_t requeue_count,
                                           zx_handle_t new_requeue_owner);
zx_status_t _zx_futex_get_owner(const zx_futex_t* value_ptr, zx_koid_t* koid);
zx_status_t _zx_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, void* buffer,
                                    size_t buffer_size, size_t* actual);
zx_status_t _zx_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr, const void* buffer,
                                     size_t buffer_size, size_t* actual);
zx_status_t _zx_task_create_exception_channel(zx_handle_t handle, uint32_t options,
                                              zx_handle_t* out);
zx_status_t _zx_resource_create(zx_handle_t parent_rsrc, uint32_t options, uint64_t base,
                                size_t size, const char* name, size_t name_size,
                                zx_handle_t* resource_out);

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_INTERNAL_UNDERSCORE_NAMES_H_
