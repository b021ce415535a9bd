/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What C++ programs and their wrappers of handles do with the headers, beyond what the tables say.
 * Most of it holds if it compiles.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/assert.h>
#include <zircon/availability.h>
#include <zircon/compiler.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls-next.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>
#include <zircon/time.h>

#include <memory>
#include <string_view>
#include <type_traits>

/* Last: it defines fail() and others as macros. CMocka 1.1.5 leaves C linkage to its user. */
extern "C" {
#include <cmocka.h>
}

namespace {

/* ---- Time in constant expressions ---- */

static_assert(zx_time_add_duration(ZX_TIME_INFINITE, 1) == ZX_TIME_INFINITE);
static_assert(zx_time_sub_duration(ZX_TIME_INFINITE_PAST, 1) == ZX_TIME_INFINITE_PAST);
static_assert(zx_time_sub_time(5, 7) == -2);
static_assert(zx_duration_add_duration(1, 2) == 3 && zx_duration_sub_duration(1, 2) == -1);
static_assert(zx_duration_mul_int64(ZX_TIME_INFINITE, -2) == ZX_TIME_INFINITE_PAST);
static_assert(zx_ticks_add_ticks(1, 2) == 3 && zx_ticks_sub_ticks(1, 2) == -1);
static_assert(zx_ticks_mul_int64(3, 4) == 12);
static_assert(ZX_NSEC(1) == 1 && ZX_HOUR(1) == zx_duration_from_hour(1));
static_assert(zx_duration_from_timespec(zx_timespec_from_duration(-1500000000)) == -1500000000);
static_assert(zx_time_from_timespec(zx_timespec_from_time(7)) == 7);
static_assert(zx_nsec_from_duration(ZX_SEC(2)) == 2000000000);

constexpr zx_duration_t kLimit = ZX_SEC(30);

/* ---- Strings ---- */

constexpr zx_string_view_t kView = {"version", 7};
static_assert(std::is_trivial_v<zx_string_view_t> && std::is_standard_layout_v<zx_string_view_t>);
static_assert(std::is_convertible_v<zx_string_view_t, std::string_view>);
static_assert(std::is_same_v<zx_string_view_t::value_type, char>);
static_assert(std::is_same_v<zx_string_view_t::const_pointer, const char*>);
static_assert(std::is_same_v<zx_string_view_t::size_type, size_t>);
static_assert(kView.data() == kView.c_str && kView.size() == 7);
static_assert(std::string_view(kView) == "version");

size_t LengthOf(std::string_view view) { return view.size(); }

void StringViewConvertsImplicitly(void** state) {
  (void)state;
  assert_int_equal(LengthOf(kView), 7);
  assert_int_equal(LengthOf(zx_string_view_t{nullptr, 0}), 0);
}

/* ---- Packets ---- */

static_assert(std::is_trivially_copyable_v<zx_port_packet_t>);
static_assert(std::is_standard_layout_v<zx_port_packet_t>);

void PacketsAreInitialisedAndReachedDirectly(void** state) {
  (void)state;
#if defined(__cpp_designated_initializers)
  const zx_port_packet_t packet = {
      .key = 7, .type = ZX_PKT_TYPE_USER, .status = ZX_OK, .user = {.u64 = {1, 2, 3, 4}}};
#else
  const zx_port_packet_t packet = {7, ZX_PKT_TYPE_USER, ZX_OK, {{{1, 2, 3, 4}}}};
#endif
  assert_int_equal(packet.user.u64[3], 4);
  assert_int_equal(packet.user.c8[0], 1);
  assert_true(ZX_PKT_IS_USER(packet.type) && !ZX_PKT_IS_PAGE_REQUEST(packet.type));
  zx_port_packet_t request = {};
  request.page_request.offset = 4096;
  request.guest_io.u16 = 3;
  request.guest_vcpu.startup.id = 1;
  assert_int_equal(request.page_request.offset, request.guest_vcpu.startup.id);
}

/* ---- Futexes ---- */

/* In C++ a futex word is a plain int, which programs reach through an atomic of their own. */
static_assert(std::is_same_v<zx_futex_t, int> && std::is_same_v<zx_futex_storage_t, int>);
static_assert(
    std::is_invocable_v<decltype(zx_futex_wait), const int*, int, zx_handle_t, zx_time_t>);

/* ---- Assertions ---- */

constexpr int Checked(int n) {
  ZX_ASSERT(n > 0);
  ZX_DEBUG_ASSERT_MSG(n > 0, "n is %d", n);
  return n;
}
static_assert(Checked(3) == 3);

void ConditionsMayDeclare(void** state) {
  (void)state;
  int number = 5;
  ZX_ASSERT(int* pointer = &number; pointer != nullptr);
  ZX_ASSERT_MSG(int* pointer = &number; *pointer == 5, "number is %d", number);
  ZX_ASSERT(const auto owned = std::make_unique<int>(1); *owned == 1);
  ZX_ASSERT(std::make_unique<int>(1));
  assert_int_equal(number, 5);
}

/* ---- Attributes ---- */

struct Empty {};
struct Holder {
  __NO_UNIQUE_ADDRESS Empty empty;
  int value;
};
static_assert(sizeof(Holder) == sizeof(int));

class __OWNER(int) Owner {
 public:
  __WARN_UNUSED_CONSTRUCTOR explicit Owner(int value) : value_(value) {}
  int value() const __TA_REQUIRES(lock_) { return lock_ + value_; }

 private:
  int lock_ = 0;
  int value_ __TA_GUARDED(lock_);
};

class __POINTER(int) Pointer {
 public:
  explicit Pointer(const Owner& owner) : owner_(&owner) {}
  int Get() const __TA_NO_THREAD_SAFETY_ANALYSIS { return owner_->value(); }

 private:
  const Owner* owner_;
};

class __TA_CAPABILITY("mutex") Lock {
 public:
  void Acquire() __TA_ACQUIRE() {}
  bool TryAcquire() __TA_TRY_ACQUIRE(true) { return true; }
  void Release() __TA_RELEASE() {}
  void Assert() __TA_ASSERT() {}
};

__CONSTINIT int initialised = 3;
__UNUSED int unused_in_cxx = 4;

int Fall(int n) {
  switch (n) {
    case 0:
      n++;
      __FALLTHROUGH;
    default:
      return n;
  }
}

/* As programs write it since C++20; the macro of the same name needs parentheses to be one. */
int Branch(int n) {
#if defined(__cplusplus) && __cplusplus >= 202002L
  if (n > 0) [[likely]] {
    return 1;
  }
#endif
  return likely(n > 0) ? 1 : 0;
}

void AttributesAreAccepted(void** state) {
  (void)state;
  const Owner owner(6);
  assert_int_equal(Pointer(owner).Get(), 6);
  Lock lock;
  lock.Acquire();
  lock.Assert();
  lock.Release();
  assert_int_equal(initialised, 3);
  assert_int_equal(Fall(0), 1);
  assert_int_equal(Branch(1), 1);
  assert_true(kLimit == 30000000000);
}

/* ---- A wrapper like those of the C++ library ---- */

template <typename T>
class Object {
 public:
  constexpr Object() = default;
  explicit Object(zx_handle_t value) : value_(value) {}
  Object(Object&& other) noexcept : value_(other.Release()) {}
  ~Object() { Reset(); }

  zx_handle_t get() const { return value_; }
  zx_handle_t Release() {
    const zx_handle_t value = value_;
    value_ = ZX_HANDLE_INVALID;
    return value;
  }
  void Reset() {
    if (value_ != ZX_HANDLE_INVALID) {
      zx_handle_close(Release());
    }
  }

 protected:
  zx_handle_t value_ = ZX_HANDLE_INVALID;
} ZX_AVAILABLE_SINCE(7);

class Event final : public Object<Event> {
 public:
  static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_EVENT;
  static zx_status_t Create(uint32_t options, Event* result) ZX_AVAILABLE_SINCE(7) {
    return zx_event_create(options, &result->value_);
  }
};

void WrappersWork(void** state) {
  (void)state;
  Event event;
  assert_int_equal(Event::Create(0, &event), ZX_OK);
  assert_int_equal(zx_object_signal(event.get(), 0, ZX_EVENT_SIGNALED), ZX_OK);
  zx_info_handle_basic_t info = {};
  assert_int_equal(
      _zx_object_get_info(event.get(), ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr, nullptr),
      ZX_OK);
  assert_int_equal(info.type, Event::TYPE);
  assert_int_equal(info.rights, ZX_DEFAULT_EVENT_RIGHTS);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(StringViewConvertsImplicitly),
      cmocka_unit_test(PacketsAreInitialisedAndReachedDirectly),
      cmocka_unit_test(ConditionsMayDeclare),
      cmocka_unit_test(AttributesAreAccepted),
      cmocka_unit_test(WrappersWork),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
