; What stands in for libc's qsort in the compiler library's import slots.
; Loaded by interpose_ffi.py.

declare void @qsort(ptr, i64, i64, ptr)
declare i32 @memcmp(ptr, ptr, i64)
declare ptr @memcpy(ptr, ptr, i64)

; MLIR sorts the list of loaded dialects anew for every affine map that it prints in full. What
; one order of pointers was sorted to is kept, and, where it is still sorted, copied.
%Sorted = type { i64, ptr, [256 x i64], [256 x i64] }      ; count, comparison, given, sorted
@kept = internal global [64 x %Sorted] zeroinitializer
@kept_count = internal global i64 0
@keeping = internal global i32 0

; void qsort(void* base, size_t count, size_t size, int (*compare)(const void*, const void*))
define void @remembering_qsort(ptr %base, i64 %count, i64 %size, ptr %compare) {
entry:
  %bytes = shl i64 %count, 3
  %pointers = icmp eq i64 %size, 8
  %many = icmp ugt i64 %count, 15
  %few = icmp ult i64 %count, 257
  %range = and i1 %many, %few
  %suits = and i1 %pointers, %range
  br i1 %suits, label %search, label %plain
search:
  %kept_count = load atomic i64, ptr @kept_count acquire, align 8
  br label %next
next:
  %i = phi i64 [ %kept_count, %search ], [ %index, %candidate ], [ %index, %same_count ],
    [ %index, %same_compare ]
  %none = icmp eq i64 %i, 0
  br i1 %none, label %miss, label %candidate
candidate:
  %index = sub i64 %i, 1
  %entry_count = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %index, i32 0
  %its_count = load i64, ptr %entry_count
  %count_fits = icmp eq i64 %its_count, %count
  br i1 %count_fits, label %same_count, label %next
same_count:
  %entry_compare = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %index, i32 1
  %its_compare = load ptr, ptr %entry_compare
  %compare_fits = icmp eq ptr %its_compare, %compare
  br i1 %compare_fits, label %same_compare, label %next
same_compare:
  %given = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %index, i32 2
  %order = call i32 @memcmp(ptr %base, ptr %given, i64 %bytes)
  %order_fits = icmp eq i32 %order, 0
  br i1 %order_fits, label %hit, label %next
hit:
  %sorted = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %index, i32 3
  call ptr @memcpy(ptr %base, ptr %sorted, i64 %bytes)
  br label %check
check:
  %j = phi i64 [ 1, %hit ], [ %after, %in_order ]
  %all = icmp eq i64 %j, %count
  br i1 %all, label %done, label %pair
pair:
  %before = sub i64 %j, 1
  %left = getelementptr i64, ptr %base, i64 %before
  %right = getelementptr i64, ptr %base, i64 %j
  %comparison = call i32 %compare(ptr %left, ptr %right)
  %wrong = icmp sgt i32 %comparison, 0
  br i1 %wrong, label %stale, label %in_order
in_order:
  %after = add i64 %j, 1
  br label %check
done:
  ret void
stale:
  call ptr @memcpy(ptr %base, ptr %given, i64 %bytes)
  br label %plain
miss:
  %full = icmp ugt i64 %kept_count, 63
  br i1 %full, label %plain, label %take
take:
  %taken = cmpxchg ptr @keeping, i32 0, i32 1 acquire monotonic
  %mine = extractvalue {i32, i1} %taken, 1
  br i1 %mine, label %check_room, label %plain
check_room:
  %place = load i64, ptr @kept_count
  %still_room = icmp ult i64 %place, 64
  br i1 %still_room, label %keep, label %give_up
give_up:
  store atomic i32 0, ptr @keeping release, align 4
  br label %plain
keep:
  %new_count = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %place, i32 0
  store i64 %count, ptr %new_count
  %new_compare = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %place, i32 1
  store ptr %compare, ptr %new_compare
  %new_given = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %place, i32 2
  call ptr @memcpy(ptr %new_given, ptr %base, i64 %bytes)
  call void @qsort(ptr %base, i64 %count, i64 %size, ptr %compare)
  %new_sorted = getelementptr [64 x %Sorted], ptr @kept, i64 0, i64 %place, i32 3
  call ptr @memcpy(ptr %new_sorted, ptr %base, i64 %bytes)
  %more = add i64 %place, 1
  store atomic i64 %more, ptr @kept_count release, align 8
  store atomic i32 0, ptr @keeping release, align 4
  ret void
plain:
  call void @qsort(ptr %base, i64 %count, i64 %size, ptr %compare)
  ret void
}
