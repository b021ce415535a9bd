/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The second name of each call of <zircon/syscalls.h>. Language runtimes and allocators link
 * against it, so that a program which replaces zx_vmo_create() leaves theirs alone. Included by
 * that header, at its end; each name takes its type from the first, so that the two cannot differ.
 */

#ifndef ZIRCON_SYSCALLS_INTERNAL_UNDERSCORE_NAMES_H_
#define ZIRCON_SYSCALLS_INTERNAL_UNDERSCORE_NAMES_H_

#include <zircon/syscalls.h>

__BEGIN_CDECLS

extern __typeof__(zx_pager_create) _zx_pager_create;
extern __typeof__(zx_pager_create_vmo) _zx_pager_create_vmo;
extern __typeof__(zx_pager_detach_vmo) _zx_pager_detach_vmo;
extern __typeof__(zx_pager_supply_pages) _zx_pager_supply_pages;
extern __typeof__(zx_pager_op_range) _zx_pager_op_range;
extern __typeof__(zx_pager_query_vmo_stats) _zx_pager_query_vmo_stats;
extern __typeof__(zx_vmo_create) _zx_vmo_create;
extern __typeof__(zx_vmo_read) _zx_vmo_read;
extern __typeof__(zx_vmo_write) _zx_vmo_write;
extern __typeof__(zx_vmo_get_size) _zx_vmo_get_size;
extern __typeof__(zx_vmo_set_size) _zx_vmo_set_size;
extern __typeof__(zx_vmo_get_stream_size) _zx_vmo_get_stream_size;
extern __typeof__(zx_vmo_set_stream_size) _zx_vmo_set_stream_size;
extern __typeof__(zx_vmo_op_range) _zx_vmo_op_range;
extern __typeof__(zx_vmo_create_child) _zx_vmo_create_child;
extern __typeof__(zx_vmo_set_cache_policy) _zx_vmo_set_cache_policy;
extern __typeof__(zx_vmo_replace_as_executable) _zx_vmo_replace_as_executable;
extern __typeof__(zx_vmo_transfer_data) _zx_vmo_transfer_data;
extern __typeof__(zx_vmar_allocate) _zx_vmar_allocate;
extern __typeof__(zx_vmar_destroy) _zx_vmar_destroy;
extern __typeof__(zx_vmar_map) _zx_vmar_map;
extern __typeof__(zx_vmar_unmap) _zx_vmar_unmap;
extern __typeof__(zx_vmar_protect) _zx_vmar_protect;
extern __typeof__(zx_vmar_op_range) _zx_vmar_op_range;
extern __typeof__(zx_port_create) _zx_port_create;
extern __typeof__(zx_port_queue) _zx_port_queue;
extern __typeof__(zx_port_wait) _zx_port_wait;
extern __typeof__(zx_port_cancel) _zx_port_cancel;
extern __typeof__(zx_port_cancel_key) _zx_port_cancel_key;
extern __typeof__(zx_object_wait_one) _zx_object_wait_one;
extern __typeof__(zx_object_wait_many) _zx_object_wait_many;
extern __typeof__(zx_object_wait_async) _zx_object_wait_async;
extern __typeof__(zx_object_signal) _zx_object_signal;
extern __typeof__(zx_object_signal_peer) _zx_object_signal_peer;
extern __typeof__(zx_object_get_info) _zx_object_get_info;
extern __typeof__(zx_object_get_property) _zx_object_get_property;
extern __typeof__(zx_object_set_property) _zx_object_set_property;
extern __typeof__(zx_handle_close) _zx_handle_close;
extern __typeof__(zx_handle_close_many) _zx_handle_close_many;
extern __typeof__(zx_handle_duplicate) _zx_handle_duplicate;
extern __typeof__(zx_handle_replace) _zx_handle_replace;
extern __typeof__(zx_handle_check_valid) _zx_handle_check_valid;
extern __typeof__(zx_event_create) _zx_event_create;
extern __typeof__(zx_eventpair_create) _zx_eventpair_create;
extern __typeof__(zx_stream_create) _zx_stream_create;
extern __typeof__(zx_stream_writev) _zx_stream_writev;
extern __typeof__(zx_stream_writev_at) _zx_stream_writev_at;
extern __typeof__(zx_stream_readv) _zx_stream_readv;
extern __typeof__(zx_stream_readv_at) _zx_stream_readv_at;
extern __typeof__(zx_stream_seek) _zx_stream_seek;
extern __typeof__(zx_clock_get_monotonic) _zx_clock_get_monotonic;
extern __typeof__(zx_deadline_after) _zx_deadline_after;
extern __typeof__(zx_nanosleep) _zx_nanosleep;
extern __typeof__(zx_system_get_page_size) _zx_system_get_page_size;
extern __typeof__(zx_vmo_create_contiguous) _zx_vmo_create_contiguous;
extern __typeof__(zx_vmo_create_physical) _zx_vmo_create_physical;
extern __typeof__(zx_vmar_map_iob) _zx_vmar_map_iob;
extern __typeof__(zx_vmar_map_clock) _zx_vmar_map_clock;
extern __typeof__(zx_object_get_child) _zx_object_get_child;
extern __typeof__(zx_object_set_profile) _zx_object_set_profile;
extern __typeof__(zx_clock_get_boot) _zx_clock_get_boot;
extern __typeof__(zx_ticks_get) _zx_ticks_get;
extern __typeof__(zx_ticks_get_boot) _zx_ticks_get_boot;
extern __typeof__(zx_ticks_per_second) _zx_ticks_per_second;
extern __typeof__(zx_clock_create) _zx_clock_create;
extern __typeof__(zx_clock_read) _zx_clock_read;
extern __typeof__(zx_clock_get_details) _zx_clock_get_details;
extern __typeof__(zx_clock_update) _zx_clock_update;
extern __typeof__(zx_timer_create) _zx_timer_create;
extern __typeof__(zx_timer_set) _zx_timer_set;
extern __typeof__(zx_timer_cancel) _zx_timer_cancel;
extern __typeof__(zx_system_get_num_cpus) _zx_system_get_num_cpus;
extern __typeof__(zx_system_get_physmem) _zx_system_get_physmem;
extern __typeof__(zx_system_get_version_string) _zx_system_get_version_string;
extern __typeof__(zx_system_get_features) _zx_system_get_features;
extern __typeof__(zx_system_get_dcache_line_size) _zx_system_get_dcache_line_size;
extern __typeof__(zx_system_get_event) _zx_system_get_event;
extern __typeof__(zx_cprng_draw) _zx_cprng_draw;
extern __typeof__(zx_cprng_add_entropy) _zx_cprng_add_entropy;
extern __typeof__(zx_cache_flush) _zx_cache_flush;
extern __typeof__(zx_futex_wait) _zx_futex_wait;
extern __typeof__(zx_futex_wake) _zx_futex_wake;
extern __typeof__(zx_futex_wake_single_owner) _zx_futex_wake_single_owner;
extern __typeof__(zx_futex_requeue) _zx_futex_requeue;
extern __typeof__(zx_futex_requeue_single_owner) _zx_futex_requeue_single_owner;
extern __typeof__(zx_futex_get_owner) _zx_futex_get_owner;
extern __typeof__(zx_process_read_memory) _zx_process_read_memory;
extern __typeof__(zx_process_write_memory) _zx_process_write_memory;
extern __typeof__(zx_task_create_exception_channel) _zx_task_create_exception_channel;

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_INTERNAL_UNDERSCORE_NAMES_H_
