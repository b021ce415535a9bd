/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of stores that it noted by itself (fault/page_scan.h), and stopping them
 * (fault/uffd.h). Exits with 77 where it doesn't. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault/page_scan.h"
#include "fault/uffd.h"
#include "vm/arena.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

enum {
  PAGES = 2000,
};

/* Shared memory, all pages there, registered and protected. */
struct area {
  int uffd;
  int fd;
  unsigned char* memory;
};

static void store(const struct area* a, size_t page) {
  *(volatile unsigned char*)(a->memory + page * ZXP_PAGE_SIZE) = 1;
}

static int area_begin(void** state) {
  static struct area a;
  a.uffd = zxp_uffd_open(ZXP_UFFD_ASYNC);
  a.fd = memfd_create("test", MFD_CLOEXEC);
  if (a.uffd < 0 || a.fd < 0 || ftruncate(a.fd, PAGES * (off_t)ZXP_PAGE_SIZE) != 0) return -1;
  a.memory = mmap(NULL, PAGES * ZXP_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, a.fd, (off_t)0);
  if (a.memory == MAP_FAILED) return -1;
  madvise(a.memory, PAGES * ZXP_PAGE_SIZE, MADV_NOHUGEPAGE);
  memset(a.memory, 1, PAGES * ZXP_PAGE_SIZE);
  const uintptr_t at = (uintptr_t)a.memory;
  if (zxp_uffd_register(a.uffd, at, PAGES * ZXP_PAGE_SIZE) != ZX_OK ||
      zxp_uffd_protect(a.uffd, at, PAGES * ZXP_PAGE_SIZE, true) != ZXP_UFFD_DONE) {
    return -1;
  }
  *state = &a;
  return 0;
}

static int area_end(void** state) {
  const struct area* a = *state;
  munmap(a->memory, PAGES * ZXP_PAGE_SIZE);
  close(a->uffd);
  close(a->fd);
  return 0;
}

/* What was reported, page by page: ' ' nothing, 'w' written, 'u' unmapped. */
struct picture {
  const struct area* area;
  char pages[PAGES + 1];
};

static void draw(void* context, uintptr_t address, uint64_t length, enum zxp_scan_result what) {
  struct picture* p = context;
  const size_t first = (address - (uintptr_t)p->area->memory) / ZXP_PAGE_SIZE;
  memset(p->pages + first, what == ZXP_SCAN_WRITTEN ? 'w' : 'u', length / ZXP_PAGE_SIZE);
}

static void take_picture(const struct area* a, size_t count, enum zxp_scan_kind kind,
                         struct picture* p) {
  p->area = a;
  memset(p->pages, ' ', sizeof(p->pages));
  p->pages[count] = '\0';
  zxp_scan((uintptr_t)a->memory, count * ZXP_PAGE_SIZE, kind, draw, p);
}

static void stores_are_taken_once(void** state) {
  const struct area* a = *state;
  struct picture p;
  take_picture(a, 8, ZXP_SCAN_TAKE, &p);
  assert_string_equal(p.pages, "        ");
  store(a, 1);
  store(a, 2);
  store(a, 6);
  for (int i = 0; i < 2; i++) {
    take_picture(a, 8, ZXP_SCAN_LOOK, &p);
    assert_string_equal(p.pages, " ww   w ");
  }
  take_picture(a, 8, ZXP_SCAN_TAKE, &p);
  assert_string_equal(p.pages, " ww   w ");
  take_picture(a, 8, ZXP_SCAN_TAKE, &p);
  assert_string_equal(p.pages, "        ");
  store(a, 2);
  take_picture(a, 8, ZXP_SCAN_TAKE_ALL, &p);
  assert_string_equal(p.pages, "  w     ");
  take_picture(a, 8, ZXP_SCAN_TAKE_ALL, &p);
  assert_string_equal(p.pages, "        ");
}

static void loads_are_not_reported(void** state) {
  const struct area* a = *state;
  struct picture p;
  (void)*(volatile unsigned char*)a->memory;
  take_picture(a, 2, ZXP_SCAN_TAKE, &p);
  assert_string_equal(p.pages, "  ");
}

/* More than one call of the kernel brings. */
static void many_stores_far_apart_are_all_reported(void** state) {
  const struct area* a = *state;
  struct picture p;
  for (size_t page = 0; page < PAGES; page += 2) {
    store(a, page);
  }
  take_picture(a, PAGES, ZXP_SCAN_TAKE, &p);
  for (size_t page = 0; page < PAGES; page++) {
    assert_int_equal(p.pages[page], page % 2 == 0 ? 'w' : ' ');
  }
  take_picture(a, PAGES, ZXP_SCAN_TAKE, &p);
  for (size_t page = 0; page < PAGES; page++) {
    assert_int_equal(p.pages[page], ' ');
  }
}

static void a_written_page_without_entry_is_unmapped_and_a_protected_one_is_not(void** state) {
  const struct area* a = *state;
  struct picture p;
  store(a, 1);
  assert_int_equal(madvise(a->memory, 4 * ZXP_PAGE_SIZE, MADV_DONTNEED), 0);
  take_picture(a, 4, ZXP_SCAN_TAKE, &p);
  assert_string_equal(p.pages, " u  ");
  /* Nor is it in a hole. */
  assert_int_equal(madvise(a->memory + 2 * ZXP_PAGE_SIZE, 2 * ZXP_PAGE_SIZE, MADV_REMOVE), 0);
  take_picture(a, 4, ZXP_SCAN_TAKE, &p);
  assert_string_equal(p.pages, " u  ");
}

static void* store_first_word(void* memory) {
  *(volatile unsigned char*)memory = 2;
  return NULL;
}

static void a_store_that_is_stopped_is_a_message_and_the_rest_can_be_looked_at(void** state) {
  const struct area* a = *state;
  struct picture p;
  pthread_t thread;
  store(a, 1);
  assert_int_equal(zxp_uffd_stop(a->uffd, (uintptr_t)a->memory, 4 * ZXP_PAGE_SIZE), ZX_OK);
  assert_int_equal(pthread_create(&thread, NULL, store_first_word, a->memory), 0);
  struct pollfd polled = {.fd = a->uffd, .events = POLLIN};
  while (poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
  struct uffd_msg message;
  assert_int_equal(read(a->uffd, &message, sizeof(message)), sizeof(message));
  assert_int_equal(message.event, UFFD_EVENT_PAGEFAULT);
  assert_int_equal(message.arg.pagefault.address & ~ZXP_PAGE_MASK, (uintptr_t)a->memory);
  take_picture(a, 4, ZXP_SCAN_TAKE, &p);
  assert_string_equal(p.pages, " u  ");
  /* What stands in the area's place afterwards lets the thread go on. */
  assert_ptr_equal(mmap(a->memory, 4 * ZXP_PAGE_SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED, a->fd, (off_t)0),
                   a->memory);
  zxp_uffd_wake(a->uffd, (uintptr_t)a->memory, 4 * ZXP_PAGE_SIZE);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(a->memory[0], 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(stores_are_taken_once, area_begin, area_end),
      cmocka_unit_test_setup_teardown(loads_are_not_reported, area_begin, area_end),
      cmocka_unit_test_setup_teardown(many_stores_far_apart_are_all_reported, area_begin, area_end),
      cmocka_unit_test_setup_teardown(
          a_written_page_without_entry_is_unmapped_and_a_protected_one_is_not, area_begin,
          area_end),
      cmocka_unit_test_setup_teardown(
          a_store_that_is_stopped_is_a_message_and_the_rest_can_be_looked_at, area_begin, area_end),
  };
  if (zxp_uffd_probe()->async_stores == 0) {
    printf("skipped: the kernel does not note stores by itself here (Linux 6.7)\n");
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
