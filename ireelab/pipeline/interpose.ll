; What stands in for libc's open, close and qsort in the compiler library's import slots.
; Loaded by interpose_ffi.py, which sets the four globals before the compiler runs.

@root = global ptr null            ; folder of the snapshots, ending in a slash
@root_length = global i64 0
@journal = global i32 -1           ; file descriptor, opened for appending
@next_number = global i64 0

@numbers = internal global [65536 x i64] zeroinitializer   ; by file descriptor: number + 1
@open_format = internal constant [24 x i8] c"open %lld %d %lld %.*s\0A\00"
@close_format = internal constant [17 x i8] c"close %lld %lld\0A\00"
@name_format = internal constant [9 x i8] c"%.*s%lld\00"

declare i32 @open(ptr, i32, ...)
declare i32 @close(i32)
declare void @qsort(ptr, i64, i64, ptr)
declare i32 @strncmp(ptr, ptr, i64)
declare i64 @strlen(ptr)
declare i32 @memcmp(ptr, ptr, i64)
declare ptr @memcpy(ptr, ptr, i64)
declare i64 @write(i32, ptr, i64)
declare i32 @snprintf(ptr, i64, ptr, ...)
declare i32 @clock_gettime(i32, ptr)
declare i32 @gettid()

; CLOCK_MONOTONIC in nanoseconds.
define internal i64 @now() {
  %time = alloca {i64, i64}
  call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time
  %part = getelementptr {i64, i64}, ptr %time, i64 0, i32 1
  %rest = load i64, ptr %part
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %rest
  ret i64 %sum
}

; int open(const char* path, int flags, mode_t mode)
; A snapshot gets a number for its name; the journal keeps the name it was to have.
define i32 @snapshot_open(ptr %path, i32 %flags, i32 %mode) {
  %creates = and i32 %flags, 64                        ; O_CREAT
  %only_reads = icmp eq i32 %creates, 0
  br i1 %only_reads, label %as_asked, label %creating
creating:
  %root = load ptr, ptr @root
  %root_length = load i64, ptr @root_length
  %differs = call i32 @strncmp(ptr %path, ptr %root, i64 %root_length)
  %elsewhere = icmp ne i32 %differs, 0
  br i1 %elsewhere, label %as_asked, label %snapshot
as_asked:
  %plain = call i32 (ptr, i32, ...) @open(ptr %path, i32 %flags, i32 %mode)
  ret i32 %plain
snapshot:
  %line = alloca [8192 x i8], align 16
  %start = call i64 @now()
  %number = atomicrmw add ptr @next_number, i64 1 monotonic
  %root_width = trunc i64 %root_length to i32
  call i32 (ptr, i64, ptr, ...) @snprintf(ptr %line, i64 8192, ptr @name_format,
    i32 %root_width, ptr %root, i64 %number)
  %file = call i32 (ptr, i32, ...) @open(ptr %line, i32 %flags, i32 %mode)
  %known = icmp ult i32 %file, 65536                   ; neither -1 nor beyond the table
  br i1 %known, label %note, label %done
note:
  %slot = getelementptr [65536 x i64], ptr @numbers, i64 0, i32 %file
  %mark = add i64 %number, 1
  store i64 %mark, ptr %slot
  %thread = call i32 @gettid()
  %name = getelementptr i8, ptr %path, i64 %root_length
  %size = call i32 (ptr, i64, ptr, ...) @snprintf(ptr %line, i64 8192, ptr @open_format,
    i64 %number, i32 %thread, i64 %start, i32 8000, ptr %name)
  %bytes = sext i32 %size to i64
  %journal = load i32, ptr @journal
  call i64 @write(i32 %journal, ptr %line, i64 %bytes)
  br label %done
done:
  ret i32 %file
}

; int close(int fd)
define i32 @snapshot_close(i32 %file) {
  %known = icmp ult i32 %file, 65536
  br i1 %known, label %look, label %plain
look:
  %slot = getelementptr [65536 x i64], ptr @numbers, i64 0, i32 %file
  %mark = load i64, ptr %slot
  %ordinary = icmp eq i64 %mark, 0
  br i1 %ordinary, label %plain, label %snapshot
plain:
  %result = call i32 @close(i32 %file)
  ret i32 %result
snapshot:
  %line = alloca [64 x i8], align 16
  store i64 0, ptr %slot                               ; before another thread gets this number
  %closed = call i32 @close(i32 %file)
  %number = sub i64 %mark, 1
  %end = call i64 @now()
  %size = call i32 (ptr, i64, ptr, ...) @snprintf(ptr %line, i64 64, ptr @close_format,
    i64 %number, i64 %end)
  %bytes = sext i32 %size to i64
  %journal = load i32, ptr @journal
  call i64 @write(i32 %journal, ptr %line, i64 %bytes)
  ret i32 %closed
}

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
