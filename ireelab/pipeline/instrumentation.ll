; What stands in for the methods of MLIR's IRPrinterInstrumentation, which it calls around each pass.
; Loaded by instrumentation_ffi.py, which sets the first seven globals before the compiler runs.
;
; The journal is a sequence of records: five words (kind, bytes that follow, op, thread, nanoseconds)
; and what follows. See journal.py, which reads them.

@journal = global i32 -1           ; file descriptor, opened for appending
@argument_slot = global i64 0      ; where a Pass's vtable has getArgument, in bytes
@counts_slot = global i64 0        ; where a Pass has its std::vector<Statistic*>, in bytes
@containers = global ptr null      ; names of ops whose body holds symbols; the last one is empty
@hash_flags = global i32 9         ; 1: ignore locations, 8: operands in order even if commutative
@known = global ptr null           ; 2^20 pairs of an op and the hash of what was last written of it
@emit_file = global ptr null       ; CodeGenTargetMachineImpl::addPassesToEmitFile

@known_count = internal global i64 0
@lock = internal global [64 x i8] zeroinitializer            ; pthread_mutex_t
@whole_flags = internal global ptr null                      ; MlirOpPrintingFlags
@head_flags = internal global ptr null

%Text = type { ptr, i64, i64 }                               ; characters, size, capacity
%Statistic = type { ptr, ptr, ptr, i64 }                     ; debug type, name, description, value
@out = internal global %Text zeroinitializer                 ; records that are not yet written

@sym_name = internal constant [8 x i8] c"sym_name"
@place_format = internal constant [8 x i8] c"%lx %ld\00"
@zero = internal constant [1 x i8] zeroinitializer

declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @clock_gettime(i32, ptr)
declare i32 @gettid()
declare i64 @write(i32, ptr, i64)
declare ptr @realloc(ptr, i64)
declare ptr @memcpy(ptr, ptr, i64)
declare i32 @memcmp(ptr, ptr, i64)
declare i64 @strlen(ptr)
declare i32 @snprintf(ptr, i64, ptr, ...)

; MLIR's C API. Handles are structs of one pointer, strings of a pointer and a length.
declare ptr @mlirOperationGetName(ptr)
declare {ptr, i64} @mlirIdentifierStr(ptr)
declare ptr @mlirOperationGetAttributeByName(ptr, ptr, i64)
declare i1 @mlirAttributeIsAString(ptr)
declare {ptr, i64} @mlirStringAttrGetValue(ptr)
declare ptr @mlirOperationGetParentOperation(ptr)
declare ptr @mlirOperationGetBlock(ptr)
declare ptr @mlirOperationGetNextInBlock(ptr)
declare i64 @mlirOperationGetNumRegions(ptr)
declare i64 @mlirOperationGetNumOperands(ptr)
declare i64 @mlirOperationGetNumResults(ptr)
declare i64 @mlirOperationGetNumSuccessors(ptr)
declare ptr @mlirOperationGetSuccessor(ptr, i64)
declare ptr @mlirOperationGetRegion(ptr, i64)
declare i64 @mlirOperationStructuralHashValue(ptr, i32)
declare ptr @mlirRegionGetFirstBlock(ptr)
declare ptr @mlirBlockGetNextInRegion(ptr)
declare ptr @mlirBlockGetFirstOperation(ptr)
declare i64 @mlirBlockGetNumArguments(ptr)
declare ptr @mlirBlockGetArgument(ptr, i64)
declare ptr @mlirValueGetType(ptr)
declare ptr @mlirOpPrintingFlagsCreate()
declare void @mlirOpPrintingFlagsSkipRegions(ptr)
declare void @mlirOperationPrintWithFlags(ptr, ptr, ptr, ptr)
declare ptr @mlirAsmStateCreateForOperation(ptr, ptr)
declare void @mlirOperationPrintWithState(ptr, ptr, ptr, ptr)
declare void @mlirAsmStateDestroy(ptr)

; ---- Writing records ----

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

define internal void @append(ptr %from, i64 %count) {
  %size = load i64, ptr getelementptr (%Text, ptr @out, i64 0, i32 1)
  %capacity = load i64, ptr getelementptr (%Text, ptr @out, i64 0, i32 2)
  %needed = add i64 %size, %count
  %fits = icmp ule i64 %needed, %capacity
  br i1 %fits, label %copy, label %grow
grow:
  %twice = shl i64 %needed, 1
  %old = load ptr, ptr @out
  %new = call ptr @realloc(ptr %old, i64 %twice)
  store ptr %new, ptr @out
  store i64 %twice, ptr getelementptr (%Text, ptr @out, i64 0, i32 2)
  br label %copy
copy:
  %start = load ptr, ptr @out
  %end = getelementptr i8, ptr %start, i64 %size
  call ptr @memcpy(ptr %end, ptr %from, i64 %count)
  store i64 %needed, ptr getelementptr (%Text, ptr @out, i64 0, i32 1)
  ret void
}

define internal void @append_word(i64 %word) {
  %place = alloca i64
  store i64 %word, ptr %place
  call void @append(ptr %place, i64 8)
  ret void
}

define internal void @append_string({ptr, i64} %string) {
  %start = extractvalue {ptr, i64} %string, 0
  %size = extractvalue {ptr, i64} %string, 1
  call void @append(ptr %start, i64 %size)
  call void @append(ptr @zero, i64 1)
  ret void
}

define internal void @append_c_string(ptr %start) {
  %length = call i64 @strlen(ptr %start)
  %with_end = add i64 %length, 1
  call void @append(ptr %start, i64 %with_end)
  ret void
}

; void callback(MlirStringRef, void*)
define internal void @on_text(ptr %start, i64 %size, ptr %unused) {
  call void @append(ptr %start, i64 %size)
  ret void
}

; Returns where the record's contents begin, for end_record.
define internal i64 @begin_record(i64 %kind, ptr %op, i64 %time) {
  %address = ptrtoint ptr %op to i64
  %thread = call i32 @gettid()
  %thread_word = sext i32 %thread to i64
  call void @append_word(i64 %kind)
  call void @append_word(i64 0)
  call void @append_word(i64 %address)
  call void @append_word(i64 %thread_word)
  call void @append_word(i64 %time)
  %size = load i64, ptr getelementptr (%Text, ptr @out, i64 0, i32 1)
  ret i64 %size
}

define internal void @end_record(i64 %begin) {
  %size = load i64, ptr getelementptr (%Text, ptr @out, i64 0, i32 1)
  %length = sub i64 %size, %begin
  %start = load ptr, ptr @out
  %at = sub i64 %begin, 32
  %field = getelementptr i8, ptr %start, i64 %at
  store i64 %length, ptr %field
  ret void
}

; After a failed write nothing more is written: a record must not begin inside another.
define internal void @flush() {
entry:
  %start = load ptr, ptr @out
  %size = load i64, ptr getelementptr (%Text, ptr @out, i64 0, i32 1)
  store i64 0, ptr getelementptr (%Text, ptr @out, i64 0, i32 1)
  br label %next
next:
  %done = phi i64 [ 0, %entry ], [ %more, %going ]
  %left = sub i64 %size, %done
  %finished = icmp eq i64 %left, 0
  br i1 %finished, label %end, label %piece
piece:
  %from = getelementptr i8, ptr %start, i64 %done
  %journal = load i32, ptr @journal
  %written = call i64 @write(i32 %journal, ptr %from, i64 %left)
  %failed = icmp slt i64 %written, 1
  br i1 %failed, label %give_up, label %going
going:
  %more = add i64 %done, %written
  br label %next
give_up:
  store i32 -1, ptr @journal
  ret void
end:
  ret void
}

; ---- What has changed? ----

define internal void @fold(ptr %hash, i64 %word) {
  %old = load i64, ptr %hash
  %mixed = xor i64 %old, %word
  %product = mul i64 %mixed, -7046029254386353131
  %shifted = lshr i64 %product, 29
  %new = xor i64 %product, %shifted
  store i64 %new, ptr %hash
  ret void
}

; The op alone: which it is, name, attributes, properties, operands, types of its results.
define internal void @fold_op(ptr %hash, ptr %op) {
  %address = ptrtoint ptr %op to i64
  call void @fold(ptr %hash, i64 %address)
  %flags = load i32, ptr @hash_flags
  %own = call i64 @mlirOperationStructuralHashValue(ptr %op, i32 %flags)
  call void @fold(ptr %hash, i64 %own)
  ret void
}

; The op with all that is inside it.
define internal void @fold_tree(ptr %hash, ptr %op) {
entry:
  call void @fold_op(ptr %hash, ptr %op)
  %successors = call i64 @mlirOperationGetNumSuccessors(ptr %op)
  br label %next_successor
next_successor:
  %s = phi i64 [ 0, %entry ], [ %s_more, %successor ]
  %no_successor = icmp eq i64 %s, %successors
  br i1 %no_successor, label %body, label %successor
successor:
  %target = call ptr @mlirOperationGetSuccessor(ptr %op, i64 %s)
  %target_word = ptrtoint ptr %target to i64
  call void @fold(ptr %hash, i64 %target_word)
  %s_more = add i64 %s, 1
  br label %next_successor
body:
  %regions = call i64 @mlirOperationGetNumRegions(ptr %op)
  br label %next_region
next_region:
  %r = phi i64 [ 0, %body ], [ %r_more, %end_region ]
  %no_region = icmp eq i64 %r, %regions
  br i1 %no_region, label %done, label %region
region:
  %inside = call ptr @mlirOperationGetRegion(ptr %op, i64 %r)
  %first_block = call ptr @mlirRegionGetFirstBlock(ptr %inside)
  br label %next_block
end_region:
  call void @fold(ptr %hash, i64 %r)
  %r_more = add i64 %r, 1
  br label %next_region
next_block:
  %block = phi ptr [ %first_block, %region ], [ %following, %end_block ]
  %no_block = icmp eq ptr %block, null
  br i1 %no_block, label %end_region, label %in_block
in_block:
  %block_word = ptrtoint ptr %block to i64
  call void @fold(ptr %hash, i64 %block_word)
  %arguments = call i64 @mlirBlockGetNumArguments(ptr %block)
  br label %next_argument
next_argument:
  %a = phi i64 [ 0, %in_block ], [ %a_more, %argument ]
  %no_argument = icmp eq i64 %a, %arguments
  br i1 %no_argument, label %ops, label %argument
argument:
  %value = call ptr @mlirBlockGetArgument(ptr %block, i64 %a)
  %value_word = ptrtoint ptr %value to i64
  call void @fold(ptr %hash, i64 %value_word)
  %type = call ptr @mlirValueGetType(ptr %value)
  %type_word = ptrtoint ptr %type to i64
  call void @fold(ptr %hash, i64 %type_word)
  %a_more = add i64 %a, 1
  br label %next_argument
ops:
  %first = call ptr @mlirBlockGetFirstOperation(ptr %block)
  br label %next_op
next_op:
  %child = phi ptr [ %first, %ops ], [ %next, %in_op ]
  %no_op = icmp eq ptr %child, null
  br i1 %no_op, label %end_block, label %in_op
in_op:
  call void @fold_tree(ptr %hash, ptr %child)
  %next = call ptr @mlirOperationGetNextInBlock(ptr %child)
  br label %next_op
end_block:
  %following = call ptr @mlirBlockGetNextInRegion(ptr %block)
  br label %next_block
done:
  ret void
}

; The op's pair in @known, or the free one where it belongs.
define internal ptr @pair_of(ptr %op) {
entry:
  %address = ptrtoint ptr %op to i64
  %spread = mul i64 %address, -7046029254386353131
  %start = lshr i64 %spread, 44
  %table = load ptr, ptr @known
  br label %probe
probe:
  %index = phi i64 [ %start, %entry ], [ %wrapped, %other ]
  %pair = getelementptr {ptr, i64}, ptr %table, i64 %index
  %key = load ptr, ptr %pair
  %same = icmp eq ptr %key, %op
  %free = icmp eq ptr %key, null
  %here = or i1 %same, %free
  br i1 %here, label %found, label %other
other:
  %following = add i64 %index, 1
  %wrapped = and i64 %following, 1048575
  br label %probe
found:
  ret ptr %pair
}

define internal i1 @is_known(ptr %op) {
  %pair = call ptr @pair_of(ptr %op)
  %key = load ptr, ptr %pair
  %known = icmp ne ptr %key, null
  ret i1 %known
}

; Is this hash not the one that is known of the op? From now on it is. A full table knows no more.
define internal i1 @differs(ptr %op, i64 %hash) {
  %pair = call ptr @pair_of(ptr %op)
  %hash_place = getelementptr {ptr, i64}, ptr %pair, i64 0, i32 1
  %key = load ptr, ptr %pair
  %is_new = icmp eq ptr %key, null
  br i1 %is_new, label %enter, label %compare
enter:
  %count = load i64, ptr @known_count
  %full = icmp ugt i64 %count, 900000
  br i1 %full, label %changed, label %take
take:
  %more = add i64 %count, 1
  store i64 %more, ptr @known_count
  store ptr %op, ptr %pair
  store i64 %hash, ptr %hash_place
  br label %changed
compare:
  %old = load i64, ptr %hash_place
  store i64 %hash, ptr %hash_place
  %different = icmp ne i64 %old, %hash
  ret i1 %different
changed:
  ret i1 true
}

; Is this op a container: by name, with one block without arguments that holds ops without results?
define internal i1 @is_container(ptr %op) {
entry:
  %regions = call i64 @mlirOperationGetNumRegions(ptr %op)
  %one_region = icmp eq i64 %regions, 1
  br i1 %one_region, label %names, label %no
names:
  %identifier = call ptr @mlirOperationGetName(ptr %op)
  %name = call {ptr, i64} @mlirIdentifierStr(ptr %identifier)
  %start = extractvalue {ptr, i64} %name, 0
  %size = extractvalue {ptr, i64} %name, 1
  %list = load ptr, ptr @containers
  br label %next_name
next_name:
  %candidate = phi ptr [ %list, %names ], [ %following, %other_name ]
  %length = call i64 @strlen(ptr %candidate)
  %at_end = icmp eq i64 %length, 0
  br i1 %at_end, label %no, label %try
try:
  %same_length = icmp eq i64 %length, %size
  br i1 %same_length, label %letters, label %other_name
letters:
  %order = call i32 @memcmp(ptr %candidate, ptr %start, i64 %size)
  %equal = icmp eq i32 %order, 0
  br i1 %equal, label %shape, label %other_name
other_name:
  %skip = add i64 %length, 1
  %following = getelementptr i8, ptr %candidate, i64 %skip
  br label %next_name
shape:
  %region = call ptr @mlirOperationGetRegion(ptr %op, i64 0)
  %block = call ptr @mlirRegionGetFirstBlock(ptr %region)
  %empty = icmp eq ptr %block, null
  br i1 %empty, label %no, label %single
single:
  %second = call ptr @mlirBlockGetNextInRegion(ptr %block)
  %only = icmp eq ptr %second, null
  %arguments = call i64 @mlirBlockGetNumArguments(ptr %block)
  %without = icmp eq i64 %arguments, 0
  %plain = and i1 %only, %without
  br i1 %plain, label %ops, label %no
ops:
  %first = call ptr @mlirBlockGetFirstOperation(ptr %block)
  br label %next_op
next_op:
  %child = phi ptr [ %first, %ops ], [ %sibling, %in_op ]
  %no_more = icmp eq ptr %child, null
  br i1 %no_more, label %yes, label %in_op
in_op:
  %results = call i64 @mlirOperationGetNumResults(ptr %child)
  %sibling = call ptr @mlirOperationGetNextInBlock(ptr %child)
  %none = icmp eq i64 %results, 0
  br i1 %none, label %next_op, label %no
yes:
  ret i1 true
no:
  ret i1 false
}

; Of an op that is not isolated, such as a global, MLIR would number all values of what is around
; it. One without values and regions needs no numbers.
define internal void @print_whole(ptr %op, ptr %flags) {
  %regions = call i64 @mlirOperationGetNumRegions(ptr %op)
  %operands = call i64 @mlirOperationGetNumOperands(ptr %op)
  %inside = add i64 %regions, %operands
  %results = call i64 @mlirOperationGetNumResults(ptr %op)
  %all = add i64 %inside, %results
  %bare = icmp eq i64 %all, 0
  br i1 %bare, label %alone, label %numbered
alone:
  %state = call ptr @mlirAsmStateCreateForOperation(ptr %op, ptr %flags)
  call void @mlirOperationPrintWithState(ptr %op, ptr %state, ptr @on_text, ptr null)
  call void @mlirAsmStateDestroy(ptr %state)
  ret void
numbered:
  call void @mlirOperationPrintWithFlags(ptr %op, ptr %flags, ptr @on_text, ptr null)
  ret void
}

; Writes of an op what is not known: of a container its head and which ops it holds, then those.
define internal void @visit(ptr %op, i64 %depth) {
entry:
  %hash = alloca i64
  store i64 8675309, ptr %hash
  %shallow = icmp ult i64 %depth, 32                         ; as deep as snapshot.py goes
  br i1 %shallow, label %look, label %leaf
look:
  %container = call i1 @is_container(ptr %op)
  br i1 %container, label %frame, label %leaf
leaf:
  call void @fold_tree(ptr %hash, ptr %op)
  %leaf_hash = load i64, ptr %hash
  %leaf_differs = call i1 @differs(ptr %op, i64 %leaf_hash)
  br i1 %leaf_differs, label %write_leaf, label %done
write_leaf:
  call void @flush()                                         ; should the printer crash
  %whole = load ptr, ptr @whole_flags
  %leaf_record = call i64 @begin_record(i64 76, ptr %op, i64 0)        ; L
  call void @print_whole(ptr %op, ptr %whole)
  call void @end_record(i64 %leaf_record)
  ret void
frame:
  call void @fold_op(ptr %hash, ptr %op)
  %deeper = add i64 %depth, 1
  %region = call ptr @mlirOperationGetRegion(ptr %op, i64 0)
  %block = call ptr @mlirRegionGetFirstBlock(ptr %region)
  %first = call ptr @mlirBlockGetFirstOperation(ptr %block)
  br label %next_op
next_op:
  %child = phi ptr [ %first, %frame ], [ %next, %in_op ]
  %count = phi i64 [ 0, %frame ], [ %more, %in_op ]
  %no_op = icmp eq ptr %child, null
  br i1 %no_op, label %end_frame, label %in_op
in_op:
  %word = ptrtoint ptr %child to i64
  call void @fold(ptr %hash, i64 %word)
  call void @visit(ptr %child, i64 %deeper)
  %more = add i64 %count, 1
  %next = call ptr @mlirOperationGetNextInBlock(ptr %child)
  br label %next_op
end_frame:
  %frame_hash = load i64, ptr %hash
  %frame_differs = call i1 @differs(ptr %op, i64 %frame_hash)
  br i1 %frame_differs, label %write_frame, label %done
write_frame:
  call void @flush()
  %frame_record = call i64 @begin_record(i64 70, ptr %op, i64 0)       ; F
  call void @append_word(i64 %count)
  br label %next_child
next_child:
  %held = phi ptr [ %first, %write_frame ], [ %held_next, %child_word ]
  %no_child = icmp eq ptr %held, null
  br i1 %no_child, label %head, label %child_word
child_word:
  %held_word = ptrtoint ptr %held to i64
  call void @append_word(i64 %held_word)
  %held_next = call ptr @mlirOperationGetNextInBlock(ptr %held)
  br label %next_child
head:
  %head_flags = load ptr, ptr @head_flags
  call void @mlirOperationPrintWithFlags(ptr %op, ptr %head_flags, ptr @on_text, ptr null)
  call void @end_record(i64 %frame_record)
  ret void
done:
  ret void
}

; ---- Around a pass ----

define internal {ptr, i64} @argument_of(ptr %pass) {
  %vtable = load ptr, ptr %pass
  %offset = load i64, ptr @argument_slot
  %slot = getelementptr i8, ptr %vtable, i64 %offset
  %method = load ptr, ptr %slot
  %argument = call {ptr, i64} %method(ptr %pass)
  ret {ptr, i64} %argument
}

; How many ops without a symbol but of the same name stand before this one?
define internal i64 @twins_before(ptr %op) {
entry:
  %block = call ptr @mlirOperationGetBlock(ptr %op)
  %root = icmp eq ptr %block, null
  br i1 %root, label %none, label %start
none:
  ret i64 0
start:
  %name = call ptr @mlirOperationGetName(ptr %op)
  %first = call ptr @mlirBlockGetFirstOperation(ptr %block)
  br label %look
look:
  %other = phi ptr [ %first, %start ], [ %next, %step ]
  %count = phi i64 [ 0, %start ], [ %sum, %step ]
  %reached = icmp eq ptr %other, %op
  br i1 %reached, label %done, label %step
step:
  %other_name = call ptr @mlirOperationGetName(ptr %other)
  %same = icmp eq ptr %other_name, %name
  %symbol = call {ptr, i64} @symbol_of(ptr %other)
  %length = extractvalue {ptr, i64} %symbol, 1
  %nameless = icmp eq i64 %length, 0
  %twin = and i1 %same, %nameless
  %one = zext i1 %twin to i64
  %sum = add i64 %count, %one
  %next = call ptr @mlirOperationGetNextInBlock(ptr %other)
  br label %look
done:
  ret i64 %count
}

define internal {ptr, i64} @symbol_of(ptr %op) {
  %attribute = call ptr @mlirOperationGetAttributeByName(ptr %op, ptr @sym_name, i64 8)
  %missing = icmp eq ptr %attribute, null
  br i1 %missing, label %none, label %look
look:
  %is_string = call i1 @mlirAttributeIsAString(ptr %attribute)
  br i1 %is_string, label %found, label %none
found:
  %symbol = call {ptr, i64} @mlirStringAttrGetValue(ptr %attribute)
  ret {ptr, i64} %symbol
none:
  %empty = insertvalue {ptr, i64} zeroinitializer, ptr @zero, 0
  ret {ptr, i64} %empty
}

; The pass, then of the op and all around it: name, symbol, address and number among its twins.
define internal void @append_place(ptr %pass, ptr %op) {
entry:
  %line = alloca [64 x i8]
  %argument = call {ptr, i64} @argument_of(ptr %pass)
  call void @append_string({ptr, i64} %argument)
  br label %next
next:
  %at = phi ptr [ %op, %entry ], [ %parent, %write ]
  %outside = icmp eq ptr %at, null
  br i1 %outside, label %done, label %one
one:
  %identifier = call ptr @mlirOperationGetName(ptr %at)
  %name = call {ptr, i64} @mlirIdentifierStr(ptr %identifier)
  call void @append_string({ptr, i64} %name)
  %symbol = call {ptr, i64} @symbol_of(ptr %at)
  call void @append_string({ptr, i64} %symbol)
  %length = extractvalue {ptr, i64} %symbol, 1
  %nameless = icmp eq i64 %length, 0
  br i1 %nameless, label %count, label %write
count:
  %twins = call i64 @twins_before(ptr %at)
  br label %write
write:
  %twin = phi i64 [ 0, %one ], [ %twins, %count ]
  %size = call i32 (ptr, i64, ptr, ...) @snprintf(ptr %line, i64 64, ptr @place_format,
    ptr %at, i64 %twin)
  %bytes = sext i32 %size to i64
  %with_end = add i64 %bytes, 1
  call void @append(ptr %line, i64 %with_end)
  %parent = call ptr @mlirOperationGetParentOperation(ptr %at)
  br label %next
done:
  ret void
}

; What the pass counts: a pass may run on many ops, one after another, and every run has its own.
define internal {ptr, ptr} @counts_of(ptr %pass) {
  %offset = load i64, ptr @counts_slot
  %slot = getelementptr i8, ptr %pass, i64 %offset
  %begin = load ptr, ptr %slot
  %end_slot = getelementptr i8, ptr %slot, i64 8
  %end = load ptr, ptr %end_slot
  %first = insertvalue {ptr, ptr} poison, ptr %begin, 0
  %both = insertvalue {ptr, ptr} %first, ptr %end, 1
  ret {ptr, ptr} %both
}

define internal void @zero_counts(ptr %pass) {
entry:
  %counts = call {ptr, ptr} @counts_of(ptr %pass)
  %begin = extractvalue {ptr, ptr} %counts, 0
  %end = extractvalue {ptr, ptr} %counts, 1
  br label %next
next:
  %at = phi ptr [ %begin, %entry ], [ %following, %zero ]
  %none_left = icmp eq ptr %at, %end
  br i1 %none_left, label %done, label %zero
zero:
  %count = load ptr, ptr %at
  %value = getelementptr %Statistic, ptr %count, i64 0, i32 3
  store atomic i64 0, ptr %value monotonic, align 8
  %following = getelementptr i8, ptr %at, i64 8
  br label %next
done:
  ret void
}

define internal void @append_counts(ptr %pass, ptr %op) {
entry:
  %counts = call {ptr, ptr} @counts_of(ptr %pass)
  %begin = extractvalue {ptr, ptr} %counts, 0
  %end = extractvalue {ptr, ptr} %counts, 1
  %nothing = icmp eq ptr %begin, %end
  br i1 %nothing, label %done, label %some
some:
  %record = call i64 @begin_record(i64 67, ptr %op, i64 0)             ; C
  br label %one
one:
  %at = phi ptr [ %begin, %some ], [ %following, %one ]
  %count = load ptr, ptr %at
  %name_place = getelementptr %Statistic, ptr %count, i64 0, i32 1
  %name = load ptr, ptr %name_place
  call void @append_c_string(ptr %name)
  %description_place = getelementptr %Statistic, ptr %count, i64 0, i32 2
  %description = load ptr, ptr %description_place
  call void @append_c_string(ptr %description)
  %value_place = getelementptr %Statistic, ptr %count, i64 0, i32 3
  %value = load atomic i64, ptr %value_place monotonic, align 8
  call void @append_word(i64 %value)
  %following = getelementptr i8, ptr %at, i64 8
  %none_left = icmp eq ptr %following, %end
  br i1 %none_left, label %end_counts, label %one
end_counts:
  call void @end_record(i64 %record)
  br label %done
done:
  ret void
}

; Made here, where the command line, which they begin with, has been read.
define internal void @make_flags() {
  %made = load ptr, ptr @whole_flags
  %missing = icmp eq ptr %made, null
  br i1 %missing, label %make, label %done
make:
  %whole = call ptr @mlirOpPrintingFlagsCreate()
  store ptr %whole, ptr @whole_flags
  %head = call ptr @mlirOpPrintingFlagsCreate()
  call void @mlirOpPrintingFlagsSkipRegions(ptr %head)
  store ptr %head, ptr @head_flags
  br label %done
done:
  ret void
}

; void runBeforePass(Pass*, Operation*)
; A pass without an argument is the adaptor that MLIR itself does not print either.
define void @before_pass(ptr %this, ptr %pass, ptr %op) {
  %argument = call {ptr, i64} @argument_of(ptr %pass)
  %length = extractvalue {ptr, i64} %argument, 1
  %hidden = icmp eq i64 %length, 0
  br i1 %hidden, label %done, label %shown
shown:
  call void @zero_counts(ptr %pass)
  call i32 @pthread_mutex_lock(ptr @lock)
  call void @make_flags()
  %parent = call ptr @mlirOperationGetParentOperation(ptr %op)
  %root = icmp eq ptr %parent, null
  br i1 %root, label %ask, label %begin
ask:
  %known = call i1 @is_known(ptr %op)
  br i1 %known, label %begin, label %initial
initial:
  call void @visit(ptr %op, i64 0)
  %initial_record = call i64 @begin_record(i64 73, ptr %op, i64 0)     ; I
  call void @end_record(i64 %initial_record)
  br label %begin
begin:
  %time = call i64 @now()
  %record = call i64 @begin_record(i64 66, ptr %op, i64 %time)         ; B
  call void @append_place(ptr %pass, ptr %op)
  call void @end_record(i64 %record)
  call void @flush()
  call i32 @pthread_mutex_unlock(ptr @lock)
  br label %done
done:
  ret void
}

define internal void @ended(ptr %pass, ptr %op, i64 %failed) {
  %argument = call {ptr, i64} @argument_of(ptr %pass)
  %length = extractvalue {ptr, i64} %argument, 1
  %hidden = icmp eq i64 %length, 0
  br i1 %hidden, label %done, label %shown
shown:
  %time = call i64 @now()
  call i32 @pthread_mutex_lock(ptr @lock)
  %record = call i64 @begin_record(i64 65, ptr %op, i64 %time)         ; A
  call void @append_word(i64 %failed)
  call void @append_place(ptr %pass, ptr %op)
  call void @end_record(i64 %record)
  call void @append_counts(ptr %pass, ptr %op)
  call void @visit(ptr %op, i64 0)
  %written = call i64 @now()
  %last = call i64 @begin_record(i64 87, ptr %op, i64 %written)        ; W
  call void @end_record(i64 %last)
  call void @flush()
  call i32 @pthread_mutex_unlock(ptr @lock)
  br label %done
done:
  ret void
}

; void runAfterPass(Pass*, Operation*)
define void @after_pass(ptr %this, ptr %pass, ptr %op) {
  call void @ended(ptr %pass, ptr %op, i64 0)
  ret void
}

; void runAfterPassFailed(Pass*, Operation*)
define void @after_failed_pass(ptr %this, ptr %pass, ptr %op) {
  call void @ended(ptr %pass, ptr %op, i64 1)
  ret void
}

; ---- Machine code ----

; bool addPassesToEmitFile(PassManagerBase&, raw_pwrite_stream&, raw_pwrite_stream*,
;                          CodeGenFileType, bool, MachineModuleInfoWrapperPass*)
; With the LLVM IR IREE dumps an assembly listing, for which it generates code once more; of that
; nothing is made. False says that all went well.
define zeroext i1 @emit_no_listing(ptr %this, ptr %passes, ptr %out, ptr %dwarf, i32 %kind,
                                   i1 zeroext %unverified, ptr %info) {
  %listing = icmp eq i32 %kind, 0
  br i1 %listing, label %nothing, label %emit
nothing:
  ret i1 false
emit:
  %own = load ptr, ptr @emit_file
  %failed = call zeroext i1 %own(ptr %this, ptr %passes, ptr %out, ptr %dwarf, i32 %kind,
                                 i1 zeroext %unverified, ptr %info)
  ret i1 %failed
}
