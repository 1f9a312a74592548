; The executor: walks the packed commands of a command buffer. Compiled once a process.
;
; A command buffer is a list of segments; barriers lie between segments. The work of a segment is
; cut into tickets: a ticket is a run of workgroups of one dispatch, or a run of bytes of one
; transfer. The thread that submits (the leader) takes the tickets one after the other. Only when
; a segment with several tickets shows that the submission is worth it does the leader publish the
; job to the pool's threads, which then take tickets from the shared counter as well.
;
; The layouts below are those of records.py. $CLOCK, cpu_relax, flush_denormals and restore_fpu
; come from executor_ffi.py, by operating system and architecture. Locals are allocas: the optimiser
; turns them into registers, and the text stays readable.

%Binding = type { i64, i64, i64 }          ; slot (-1: direct), offset or address, length (-1: rest)
%TableEntry = type { ptr, i64 }            ; address, length
%DispatchState = type { i32, i32, i16, i16, i32, i32, i16, i8, i8, ptr, ptr, ptr }
%WorkgroupState = type { i32, i32, i16, i16, i32, ptr, i32 }
%Command = type { i32,                     ;  0 kind: 0 dispatch, 1 indirect dispatch, 2 copy, 3 fill
                  i32,                     ;  1 number of bindings
                  ptr, ptr,                ;  2 kernel, 3 its environment
                  ptr,                     ;  4 %Binding array; an indirect dispatch's counts follow
                  i64,                     ;  5 fill pattern, repeated to 8 bytes
                  i32, i32,                ;  6 first ticket in the segment, 7 number of tickets
                  i64, i64,                ;  8 workgroups (bytes) a ticket, 9 all workgroups (bytes)
                  %DispatchState,          ; 10 template of the dispatch state
                  i32, i32, i64 }          ; 11 bytes of workgroup-local memory, 12, 13 unused
%Segment = type { i32, i32,                ;  0 first command, 1 end of commands
                  i32, i32,                ;  2 tickets, 3 whether it is one indirect dispatch
                  i32, i32, i32, i32,      ;  4 5 6 workgroup counts read at run time, 7 unused
                  i64, i64, i64, i64 }     ;  8 workgroups a ticket, 9 all workgroups (indirect)
%Job = type { ptr, ptr, ptr,               ;  0 commands, 1 segments, 2 binding table
              ptr, i64,                    ;  3 local memory, 4 bytes of it a participant
              ptr, ptr,                    ;  5 %Lane array or null, 6 pool or null
              i32, i32, i32, i32,          ;  7 segments, 8 participants, 9 eager, 10 published
              i64, [48 x i8],              ; 11 nanoseconds to run alone before calling for help
              i64, [56 x i8],              ; 13 claim: segment << 32 | next ticket
              i32, i32, i64, i32,          ; 15 tickets done, 16 finished, 17 error, 18 helpers in it
              [44 x i8] }
%Pool = type { [128 x i8], [128 x i8], ptr, i32 } ; mutex, condition, published job, stop
%Worker = type { ptr, i32 }                ; pool, index (the leader is 0)
%Lane = type { i64, i64, i64 }             ; start ns, end ns, workgroups; one a command and worker
%Scratch = type { [66 x ptr], [66 x i64], %DispatchState, %WorkgroupState, i32 }

declare i32 @clock_gettime(i32, ptr)
declare i32 @sched_yield()
declare i32 @usleep(i32)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; ---------------------------------------------------------------- time and waiting

define i64 @now_ns() {
  %time = alloca { i64, i64 }
  call i32 @clock_gettime(i32 $CLOCK, ptr %time)
  %seconds = load i64, ptr %time
  %rest.p = getelementptr { i64, i64 }, ptr %time, i32 0, i32 1
  %rest = load i64, ptr %rest.p
  %scaled = mul i64 %seconds, 1000000000
  %ns = add i64 %scaled, %rest
  ret i64 %ns
}

; Wait a little, and longer the more often it was in vain: spin, then yield, then sleep.
define internal void @back_off(ptr %tries) noinline {
  %n = load i32, ptr %tries
  %n1 = add i32 %n, 1
  store i32 %n1, ptr %tries
  %spin = icmp ult i32 %n, 256
  br i1 %spin, label %relax, label %slow
relax:
  call void @cpu_relax()
  ret void
slow:
  %yield = icmp ult i32 %n, 2048
  br i1 %yield, label %give, label %sleep
give:
  call i32 @sched_yield()
  ret void
sleep:
  call i32 @usleep(i32 50)
  ret void
}

; ---------------------------------------------------------------- errors

; Keeps the first failure: (command + 1) << 34 | kind << 32 | value.
; Kinds: 0 the kernel returned value, 1 binding number value is out of range, 2 bad counts.
define internal void @set_error(ptr %job, i32 %command, i64 %kind, i32 %value) noinline {
  %number = zext i32 %command to i64
  %number1 = add i64 %number, 1
  %high = shl i64 %number1, 34
  %middle = shl i64 %kind, 32
  %low = zext i32 %value to i64
  %a = or i64 %high, %middle
  %error = or i64 %a, %low
  %error.p = getelementptr %Job, ptr %job, i32 0, i32 17
  cmpxchg ptr %error.p, i64 0, i64 %error seq_cst seq_cst
  ret void
}

; ---------------------------------------------------------------- bindings

; Fills the scratch's pointers and lengths. Returns 0, or 1 + the number of the bad binding.
define internal i32 @resolve(ptr %job, ptr %command, ptr %scratch, i32 %count) {
entry:
  %table.p = getelementptr %Job, ptr %job, i32 0, i32 2
  %table = load ptr, ptr %table.p
  %bindings.p = getelementptr %Command, ptr %command, i32 0, i32 4
  %bindings = load ptr, ptr %bindings.p
  %none = icmp eq i32 %count, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %next, %store ]
  %slot.p = getelementptr %Binding, ptr %bindings, i32 %i, i32 0
  %slot = load i64, ptr %slot.p
  %offset.p = getelementptr %Binding, ptr %bindings, i32 %i, i32 1
  %offset = load i64, ptr %offset.p
  %length.p = getelementptr %Binding, ptr %bindings, i32 %i, i32 2
  %length = load i64, ptr %length.p
  %direct = icmp slt i64 %slot, 0
  br i1 %direct, label %address, label %lookup
address:
  %direct.pointer = inttoptr i64 %offset to ptr
  br label %store
lookup:
  %base.p = getelementptr %TableEntry, ptr %table, i64 %slot, i32 0
  %base = load ptr, ptr %base.p
  %size.p = getelementptr %TableEntry, ptr %table, i64 %slot, i32 1
  %size = load i64, ptr %size.p
  %rest = sub i64 %size, %offset
  %whole = icmp slt i64 %length, 0
  %actual = select i1 %whole, i64 %rest, i64 %length
  %inside.start = icmp ule i64 %offset, %size
  %inside.end = icmp ule i64 %actual, %rest
  %inside = and i1 %inside.start, %inside.end
  %slot.pointer = getelementptr i8, ptr %base, i64 %offset
  br i1 %inside, label %store, label %bad
store:
  %pointer = phi ptr [ %direct.pointer, %address ], [ %slot.pointer, %lookup ]
  %bytes = phi i64 [ %length, %address ], [ %actual, %lookup ]
  %pointer.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 0, i32 %i
  store ptr %pointer, ptr %pointer.p
  %bytes.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 1, i32 %i
  store i64 %bytes, ptr %bytes.p
  %next = add i32 %i, 1
  %more = icmp ult i32 %next, %count
  br i1 %more, label %loop, label %done
done:
  ret i32 0
bad:
  %number = add i32 %i, 1
  ret i32 %number
}

; Makes the scratch ready for a command; false (after set_error) if a binding is out of range.
define internal i1 @prepare(ptr %job, ptr %segment, i32 %index, ptr %scratch) {
entry:
  %commands.p = getelementptr %Job, ptr %job, i32 0, i32 0
  %commands = load ptr, ptr %commands.p
  %command = getelementptr %Command, ptr %commands, i32 %index
  %count.p = getelementptr %Command, ptr %command, i32 0, i32 1
  %count = load i32, ptr %count.p
  %bad = call i32 @resolve(ptr %job, ptr %command, ptr %scratch, i32 %count)
  %failed = icmp ne i32 %bad, 0
  br i1 %failed, label %out_of_range, label %state
out_of_range:
  %binding = sub i32 %bad, 1
  call void @set_error(ptr %job, i32 %index, i64 1, i32 %binding)
  ret i1 false
state:
  %template = getelementptr %Command, ptr %command, i32 0, i32 10
  %ds = getelementptr %Scratch, ptr %scratch, i32 0, i32 2
  call void @llvm.memcpy.p0.p0.i64(ptr %ds, ptr %template, i64 48, i1 false)
  %pointers = getelementptr %Scratch, ptr %scratch, i32 0, i32 0
  %pointers.p = getelementptr %DispatchState, ptr %ds, i32 0, i32 10
  store ptr %pointers, ptr %pointers.p
  %lengths = getelementptr %Scratch, ptr %scratch, i32 0, i32 1
  %lengths.p = getelementptr %DispatchState, ptr %ds, i32 0, i32 11
  store ptr %lengths, ptr %lengths.p
  %local.p = getelementptr %Command, ptr %command, i32 0, i32 11
  %local = load i32, ptr %local.p
  %local.size.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 3, i32 6
  store i32 %local, ptr %local.size.p
  %current.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 4
  store i32 %index, ptr %current.p
  %indirect.p = getelementptr %Segment, ptr %segment, i32 0, i32 3
  %indirect = load i32, ptr %indirect.p
  %is.indirect = icmp ne i32 %indirect, 0
  br i1 %is.indirect, label %counts, label %ready
counts:
  %x.p = getelementptr %Segment, ptr %segment, i32 0, i32 4
  %x = load i32, ptr %x.p
  %y.p = getelementptr %Segment, ptr %segment, i32 0, i32 5
  %y = load i32, ptr %y.p
  %z.p = getelementptr %Segment, ptr %segment, i32 0, i32 6
  %z = load i32, ptr %z.p
  %z16 = trunc i32 %z to i16
  %ds.x = getelementptr %DispatchState, ptr %ds, i32 0, i32 4
  store i32 %x, ptr %ds.x
  %ds.y = getelementptr %DispatchState, ptr %ds, i32 0, i32 5
  store i32 %y, ptr %ds.y
  %ds.z = getelementptr %DispatchState, ptr %ds, i32 0, i32 6
  store i16 %z16, ptr %ds.z
  br label %ready
ready:
  ret i1 true
}

; ---------------------------------------------------------------- one ticket

; Workgroups [first, end) of the prepared dispatch, x fastest. Returns the first bad kernel code.
define internal i32 @run_workgroups(ptr %command, ptr %scratch, i64 %first, i64 %end) {
entry:
  %fn.p = getelementptr %Command, ptr %command, i32 0, i32 2
  %fn = load ptr, ptr %fn.p
  %env.p = getelementptr %Command, ptr %command, i32 0, i32 3
  %env = load ptr, ptr %env.p
  %ds = getelementptr %Scratch, ptr %scratch, i32 0, i32 2
  %ws = getelementptr %Scratch, ptr %scratch, i32 0, i32 3
  %wx.p = getelementptr %DispatchState, ptr %ds, i32 0, i32 4
  %wx = load i32, ptr %wx.p
  %wy.p = getelementptr %DispatchState, ptr %ds, i32 0, i32 5
  %wy = load i32, ptr %wy.p
  %x.p = getelementptr %WorkgroupState, ptr %ws, i32 0, i32 0
  %y.p = getelementptr %WorkgroupState, ptr %ws, i32 0, i32 1
  %z.p = getelementptr %WorkgroupState, ptr %ws, i32 0, i32 2
  %at.start = icmp eq i64 %first, 0
  br i1 %at.start, label %zero, label %split
zero:
  store i32 0, ptr %x.p
  store i32 0, ptr %y.p
  store i16 0, ptr %z.p
  br label %loop
split:
  %wx64 = zext i32 %wx to i64
  %wy64 = zext i32 %wy to i64
  %x64 = urem i64 %first, %wx64
  %row = udiv i64 %first, %wx64
  %y64 = urem i64 %row, %wy64
  %z64 = udiv i64 %row, %wy64
  %x.first = trunc i64 %x64 to i32
  %y.first = trunc i64 %y64 to i32
  %z.first = trunc i64 %z64 to i16
  store i32 %x.first, ptr %x.p
  store i32 %y.first, ptr %y.p
  store i16 %z.first, ptr %z.p
  br label %loop
loop:
  %i = phi i64 [ %first, %zero ], [ %first, %split ], [ %i.next, %advance ], [ %i.next, %carry.y ], [ %i.next, %carry.z ]
  %code = call i32 %fn(ptr %env, ptr %ds, ptr %ws)
  %bad = icmp ne i32 %code, 0
  %i.next = add i64 %i, 1
  %last = icmp uge i64 %i.next, %end
  %stop = or i1 %bad, %last
  br i1 %stop, label %done, label %advance
advance:
  %x = load i32, ptr %x.p
  %x.next = add i32 %x, 1
  store i32 %x.next, ptr %x.p
  %x.wrap = icmp uge i32 %x.next, %wx
  br i1 %x.wrap, label %carry.y, label %loop
carry.y:
  store i32 0, ptr %x.p
  %y = load i32, ptr %y.p
  %y.next = add i32 %y, 1
  store i32 %y.next, ptr %y.p
  %y.wrap = icmp uge i32 %y.next, %wy
  br i1 %y.wrap, label %carry.z, label %loop
carry.z:
  store i32 0, ptr %y.p
  %z = load i16, ptr %z.p
  %z.next = add i16 %z, 1
  store i16 %z.next, ptr %z.p
  br label %loop
done:
  ret i32 %code
}

; Bytes [first, end) of the prepared fill (binding 0).
define internal void @run_fill(ptr %command, ptr %scratch, i64 %first, i64 %end) {
entry:
  %pattern.p = getelementptr %Command, ptr %command, i32 0, i32 5
  %pattern = load i64, ptr %pattern.p
  %base.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 0, i32 0
  %base = load ptr, ptr %base.p
  %words = and i64 %end, -8
  %some = icmp ult i64 %first, %words
  br i1 %some, label %word, label %tail
word:
  %i = phi i64 [ %first, %entry ], [ %i.next, %word ]
  %p = getelementptr i8, ptr %base, i64 %i
  store i64 %pattern, ptr %p, align 1
  %i.next = add i64 %i, 8
  %more = icmp ult i64 %i.next, %words
  br i1 %more, label %word, label %tail
tail:
  %t0 = phi i64 [ %first, %entry ], [ %i.next, %word ]
  %any = icmp ult i64 %t0, %end
  br i1 %any, label %byte, label %done
byte:
  %t = phi i64 [ %t0, %tail ], [ %t.next, %byte ]
  %rest = phi i64 [ %pattern, %tail ], [ %shifted, %byte ]
  %q = getelementptr i8, ptr %base, i64 %t
  %low = trunc i64 %rest to i8
  store i8 %low, ptr %q
  %shifted = lshr i64 %rest, 8
  %t.next = add i64 %t, 1
  %again = icmp ult i64 %t.next, %end
  br i1 %again, label %byte, label %done
done:
  ret void
}

; Bytes [first, end) of the prepared copy (binding 0 to binding 1).
define internal void @run_copy(ptr %scratch, i64 %first, i64 %end) {
  %from.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 0, i32 0
  %from = load ptr, ptr %from.p
  %to.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 0, i32 1
  %to = load ptr, ptr %to.p
  %source = getelementptr i8, ptr %from, i64 %first
  %target = getelementptr i8, ptr %to, i64 %first
  %bytes = sub i64 %end, %first
  call void @llvm.memcpy.p0.p0.i64(ptr %target, ptr %source, i64 %bytes, i1 false)
  ret void
}

; The command of a segment that a ticket belongs to; looks from the current one on.
define internal i32 @find_command(ptr %commands, ptr %segment, i32 %ticket, i32 %current) {
entry:
  %first.p = getelementptr %Segment, ptr %segment, i32 0, i32 0
  %first = load i32, ptr %first.p
  %end.p = getelementptr %Segment, ptr %segment, i32 0, i32 1
  %end = load i32, ptr %end.p
  %after = icmp uge i32 %current, %first
  %before = icmp ult i32 %current, %end
  %within = and i1 %after, %before
  br i1 %within, label %check, label %scan
check:
  %start.p = getelementptr %Command, ptr %commands, i32 %current, i32 6
  %start = load i32, ptr %start.p
  %reached = icmp uge i32 %ticket, %start
  %from.current = select i1 %reached, i32 %current, i32 %first
  br label %scan
scan:
  %from = phi i32 [ %first, %entry ], [ %from.current, %check ]
  br label %loop
loop:
  %c = phi i32 [ %from, %scan ], [ %c.next, %skip ]
  %f.p = getelementptr %Command, ptr %commands, i32 %c, i32 6
  %f = load i32, ptr %f.p
  %n.p = getelementptr %Command, ptr %commands, i32 %c, i32 7
  %n = load i32, ptr %n.p
  %stop = add i32 %f, %n
  %here = icmp ult i32 %ticket, %stop
  br i1 %here, label %found, label %skip
skip:
  %c.next = add i32 %c, 1
  br label %loop
found:
  ret i32 %c
}

define internal void @run_ticket(ptr %job, ptr %segment, i32 %ticket, ptr %scratch, i32 %worker) {
entry:
  %error.p = getelementptr %Job, ptr %job, i32 0, i32 17
  %error = load atomic i64, ptr %error.p monotonic, align 8
  %failed = icmp ne i64 %error, 0
  br i1 %failed, label %out, label %find
find:
  %commands.p = getelementptr %Job, ptr %job, i32 0, i32 0
  %commands = load ptr, ptr %commands.p
  %current.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 4
  %current = load i32, ptr %current.p
  %indirect.p = getelementptr %Segment, ptr %segment, i32 0, i32 3
  %indirect = load i32, ptr %indirect.p
  %is.indirect = icmp ne i32 %indirect, 0
  br i1 %is.indirect, label %only, label %search
only:
  %only.p = getelementptr %Segment, ptr %segment, i32 0, i32 0
  %only.index = load i32, ptr %only.p
  %only.chunk.p = getelementptr %Segment, ptr %segment, i32 0, i32 8
  %only.total.p = getelementptr %Segment, ptr %segment, i32 0, i32 9
  br label %located
search:
  %found = call i32 @find_command(ptr %commands, ptr %segment, i32 %ticket, i32 %current)
  %found.chunk.p = getelementptr %Command, ptr %commands, i32 %found, i32 8
  %found.total.p = getelementptr %Command, ptr %commands, i32 %found, i32 9
  br label %located
located:
  %index = phi i32 [ %only.index, %only ], [ %found, %search ]
  %chunk.p = phi ptr [ %only.chunk.p, %only ], [ %found.chunk.p, %search ]
  %total.p = phi ptr [ %only.total.p, %only ], [ %found.total.p, %search ]
  %command = getelementptr %Command, ptr %commands, i32 %index
  %same = icmp eq i32 %index, %current
  br i1 %same, label %range, label %new
new:
  %ok = call i1 @prepare(ptr %job, ptr %segment, i32 %index, ptr %scratch)
  br i1 %ok, label %range, label %out
range:
  %chunk = load i64, ptr %chunk.p
  %total = load i64, ptr %total.p
  %base.p = getelementptr %Command, ptr %command, i32 0, i32 6
  %base = load i32, ptr %base.p
  %number = sub i32 %ticket, %base
  %number64 = zext i32 %number to i64
  %first = mul i64 %number64, %chunk
  %chunk.end = add i64 %first, %chunk
  %short = icmp ult i64 %total, %chunk.end
  %end = select i1 %short, i64 %total, i64 %chunk.end
  %profile.p = getelementptr %Job, ptr %job, i32 0, i32 5
  %profile = load ptr, ptr %profile.p
  %profiling = icmp ne ptr %profile, null
  br i1 %profiling, label %stamp.start, label %run
stamp.start:
  call void @stamp(ptr %job, i32 %index, i32 %worker, i64 0)
  br label %run
run:
  %kind.p = getelementptr %Command, ptr %command, i32 0, i32 0
  %kind = load i32, ptr %kind.p
  switch i32 %kind, label %dispatch [ i32 2, label %copy i32 3, label %fill ]
dispatch:
  %code = call i32 @run_workgroups(ptr %command, ptr %scratch, i64 %first, i64 %end)
  %bad = icmp ne i32 %code, 0
  br i1 %bad, label %kernel.failed, label %ran
kernel.failed:
  call void @set_error(ptr %job, i32 %index, i64 0, i32 %code)
  br label %ran
copy:
  call void @run_copy(ptr %scratch, i64 %first, i64 %end)
  br label %ran
fill:
  call void @run_fill(ptr %command, ptr %scratch, i64 %first, i64 %end)
  br label %ran
ran:
  br i1 %profiling, label %stamp.end, label %out
stamp.end:
  %groups = sub i64 %end, %first
  call void @stamp(ptr %job, i32 %index, i32 %worker, i64 %groups)
  br label %out
out:
  ret void
}

; Profiling: the start of a worker's first ticket of a command, or the end of its latest one.
define internal void @stamp(ptr %job, i32 %index, i32 %worker, i64 %groups) noinline {
entry:
  %profile.p = getelementptr %Job, ptr %job, i32 0, i32 5
  %profile = load ptr, ptr %profile.p
  %participants.p = getelementptr %Job, ptr %job, i32 0, i32 8
  %participants = load i32, ptr %participants.p
  %row = mul i32 %index, %participants
  %cell = add i32 %row, %worker
  %start.p = getelementptr %Lane, ptr %profile, i32 %cell, i32 0
  %end.p = getelementptr %Lane, ptr %profile, i32 %cell, i32 1
  %groups.p = getelementptr %Lane, ptr %profile, i32 %cell, i32 2
  %starting = icmp eq i64 %groups, 0
  br i1 %starting, label %start, label %stop
start:
  %begun = load i64, ptr %start.p
  %fresh = icmp eq i64 %begun, 0
  br i1 %fresh, label %begin, label %out
begin:
  %start.ns = call i64 @now_ns()
  store i64 %start.ns, ptr %start.p
  ret void
stop:
  %end.ns = call i64 @now_ns()
  store i64 %end.ns, ptr %end.p
  %sum = load i64, ptr %groups.p
  %sum.next = add i64 %sum, %groups
  store i64 %sum.next, ptr %groups.p
  br label %out
out:
  ret void
}

; ---------------------------------------------------------------- indirect workgroup counts

; Reads the counts of an indirect dispatch and cuts it into tickets. The segment is this
; submission's own copy.
define internal void @open_indirect(ptr %job, ptr %segment, ptr %scratch) noinline {
entry:
  %commands.p = getelementptr %Job, ptr %job, i32 0, i32 0
  %commands = load ptr, ptr %commands.p
  %index.p = getelementptr %Segment, ptr %segment, i32 0, i32 0
  %index = load i32, ptr %index.p
  %command = getelementptr %Command, ptr %commands, i32 %index
  %count.p = getelementptr %Command, ptr %command, i32 0, i32 1
  %count = load i32, ptr %count.p
  %with.counts = add i32 %count, 1
  %tickets.p = getelementptr %Segment, ptr %segment, i32 0, i32 2
  %bad = call i32 @resolve(ptr %job, ptr %command, ptr %scratch, i32 %with.counts)
  %out.of.range = icmp ne i32 %bad, 0
  br i1 %out.of.range, label %bad.binding, label %read
bad.binding:
  %binding = sub i32 %bad, 1
  call void @set_error(ptr %job, i32 %index, i64 1, i32 %binding)
  store i32 0, ptr %tickets.p
  ret void
read:
  %counts.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 0, i32 %count
  %counts = load ptr, ptr %counts.p
  %x = load i32, ptr %counts, align 4
  %y.from = getelementptr i32, ptr %counts, i32 1
  %y = load i32, ptr %y.from, align 4
  %z.from = getelementptr i32, ptr %counts, i32 2
  %z = load i32, ptr %z.from, align 4
  %x.p = getelementptr %Segment, ptr %segment, i32 0, i32 4
  store i32 %x, ptr %x.p
  %y.p = getelementptr %Segment, ptr %segment, i32 0, i32 5
  store i32 %y, ptr %y.p
  %z.p = getelementptr %Segment, ptr %segment, i32 0, i32 6
  store i32 %z, ptr %z.p
  %x64 = zext i32 %x to i64
  %y64 = zext i32 %y to i64
  %z64 = zext i32 %z to i64
  %xy = mul i64 %x64, %y64
  %xy.large = icmp ugt i64 %xy, 1099511627776
  %z.large = icmp ugt i32 %z, 65535
  %large = or i1 %xy.large, %z.large
  br i1 %large, label %bad.counts, label %cut
bad.counts:
  call void @set_error(ptr %job, i32 %index, i64 2, i32 0)
  store i32 0, ptr %tickets.p
  ret void
cut:
  %total = mul i64 %xy, %z64
  %participants.p = getelementptr %Job, ptr %job, i32 0, i32 8
  %participants = load i32, ptr %participants.p
  %participants64 = zext i32 %participants to i64
  %parts = mul i64 %participants64, 16
  %chunk.floor = udiv i64 %total, %parts
  %chunk.small = icmp eq i64 %chunk.floor, 0
  %chunk = select i1 %chunk.small, i64 1, i64 %chunk.floor
  %padded = add i64 %total, %chunk
  %padded1 = sub i64 %padded, 1
  %tickets64 = udiv i64 %padded1, %chunk
  %tickets = trunc i64 %tickets64 to i32
  store i32 %tickets, ptr %tickets.p
  %chunk.p = getelementptr %Segment, ptr %segment, i32 0, i32 8
  store i64 %chunk, ptr %chunk.p
  %total.p = getelementptr %Segment, ptr %segment, i32 0, i32 9
  store i64 %total, ptr %total.p
  ret void
}

; ---------------------------------------------------------------- participants

define internal void @begin_scratch(ptr %job, ptr %scratch, i32 %worker) {
  %current.p = getelementptr %Scratch, ptr %scratch, i32 0, i32 4
  store i32 -1, ptr %current.p
  %ws = getelementptr %Scratch, ptr %scratch, i32 0, i32 3
  store %WorkgroupState zeroinitializer, ptr %ws
  %processor.p = getelementptr %WorkgroupState, ptr %ws, i32 0, i32 4
  store i32 %worker, ptr %processor.p
  %memory.p = getelementptr %Job, ptr %job, i32 0, i32 3
  %memory = load ptr, ptr %memory.p
  %stride.p = getelementptr %Job, ptr %job, i32 0, i32 4
  %stride = load i64, ptr %stride.p
  %worker64 = zext i32 %worker to i64
  %offset = mul i64 %worker64, %stride
  %own = getelementptr i8, ptr %memory, i64 %offset
  %own.p = getelementptr %WorkgroupState, ptr %ws, i32 0, i32 5
  store ptr %own, ptr %own.p
  ret void
}

; Takes tickets from the shared counter until the current segment has none left.
define internal void @drain(ptr %job, ptr %scratch, i32 %worker) {
entry:
  %segments.p = getelementptr %Job, ptr %job, i32 0, i32 1
  %segments = load ptr, ptr %segments.p
  %claim.p = getelementptr %Job, ptr %job, i32 0, i32 13
  %done.p = getelementptr %Job, ptr %job, i32 0, i32 15
  br label %look
look:
  ; Look before taking, so that idle helpers do not run the counter over.
  %seen = load atomic i64, ptr %claim.p acquire, align 8
  %seen.high = lshr i64 %seen, 32
  %seen.ticket = trunc i64 %seen to i32
  %seen.total.p = getelementptr %Segment, ptr %segments, i64 %seen.high, i32 2
  %seen.total = load i32, ptr %seen.total.p
  %seen.some = icmp ult i32 %seen.ticket, %seen.total
  br i1 %seen.some, label %take, label %empty
take:
  %claim = atomicrmw add ptr %claim.p, i64 1 acq_rel
  %high = lshr i64 %claim, 32
  %ticket = trunc i64 %claim to i32
  %total.p = getelementptr %Segment, ptr %segments, i64 %high, i32 2
  %total = load i32, ptr %total.p
  %mine = icmp ult i32 %ticket, %total
  br i1 %mine, label %run, label %empty
run:
  %segment = getelementptr %Segment, ptr %segments, i64 %high
  call void @run_ticket(ptr %job, ptr %segment, i32 %ticket, ptr %scratch, i32 %worker)
  atomicrmw add ptr %done.p, i32 1 release
  br label %look
empty:
  ret void
}

; A helper's part of a job: drain every segment that opens until the job is finished.
define internal void @help(ptr %job, i32 %worker) {
entry:
  %scratch = alloca %Scratch, align 64
  %tries = alloca i32
  %finished.p = getelementptr %Job, ptr %job, i32 0, i32 16
  %claim.p = getelementptr %Job, ptr %job, i32 0, i32 13
  %last.p = alloca i64
  call void @begin_scratch(ptr %job, ptr %scratch, i32 %worker)
  store i32 0, ptr %tries
  store i64 -1, ptr %last.p
  br label %loop
loop:
  call void @drain(ptr %job, ptr %scratch, i32 %worker)
  %finished = load atomic i32, ptr %finished.p acquire, align 4
  %over = icmp ne i32 %finished, 0
  br i1 %over, label %out, label %wait
wait:
  ; A new segment is a reason to be awake again.
  %claim = load atomic i64, ptr %claim.p monotonic, align 8
  %segment = lshr i64 %claim, 32
  %last = load i64, ptr %last.p
  store i64 %segment, ptr %last.p
  %changed = icmp ne i64 %segment, %last
  br i1 %changed, label %fresh, label %rest
fresh:
  store i32 0, ptr %tries
  br label %rest
rest:
  call void @back_off(ptr %tries)
  br label %loop
out:
  ret void
}

; A pool thread: waits for published jobs until the pool stops.
define ptr @worker_main(ptr %worker) {
entry:
  %pool.p = getelementptr %Worker, ptr %worker, i32 0, i32 0
  %pool = load ptr, ptr %pool.p
  %index.p = getelementptr %Worker, ptr %worker, i32 0, i32 1
  %index = load i32, ptr %index.p
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 0
  %condition = getelementptr %Pool, ptr %pool, i32 0, i32 1
  %job.p = getelementptr %Pool, ptr %pool, i32 0, i32 2
  %stop.p = getelementptr %Pool, ptr %pool, i32 0, i32 3
  %mode = call i64 @flush_denormals()
  br label %lock
lock:
  call i32 @pthread_mutex_lock(ptr %mutex)
  br label %look
look:
  %stop = load i32, ptr %stop.p
  %stopped = icmp ne i32 %stop, 0
  br i1 %stopped, label %leave, label %check
check:
  %job = load ptr, ptr %job.p
  %idle = icmp eq ptr %job, null
  br i1 %idle, label %sleep, label %work
sleep:
  call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %look
work:
  ; Counted in under the lock: the leader cannot end the job before this helper is out again.
  %helpers.p = getelementptr %Job, ptr %job, i32 0, i32 18
  atomicrmw add ptr %helpers.p, i32 1 acq_rel
  call i32 @pthread_mutex_unlock(ptr %mutex)
  call void @help(ptr %job, i32 %index)
  atomicrmw sub ptr %helpers.p, i32 1 release
  br label %lock
leave:
  call i32 @pthread_mutex_unlock(ptr %mutex)
  ret ptr null
}

; Tells the pool's threads to leave.
define void @stop_pool(ptr %pool) {
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 0
  %condition = getelementptr %Pool, ptr %pool, i32 0, i32 1
  %stop.p = getelementptr %Pool, ptr %pool, i32 0, i32 3
  call i32 @pthread_mutex_lock(ptr %mutex)
  store i32 1, ptr %stop.p
  call i32 @pthread_cond_broadcast(ptr %condition)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  ret void
}

; ---------------------------------------------------------------- the leader

; Offers the job to the pool; false when another submission has the pool's threads.
define internal i1 @publish(ptr %job, ptr %pool) noinline {
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 0
  %condition = getelementptr %Pool, ptr %pool, i32 0, i32 1
  %job.p = getelementptr %Pool, ptr %pool, i32 0, i32 2
  call i32 @pthread_mutex_lock(ptr %mutex)
  %other = load ptr, ptr %job.p
  %free = icmp eq ptr %other, null
  %mine = select i1 %free, ptr %job, ptr %other
  store ptr %mine, ptr %job.p
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br i1 %free, label %wake, label %busy
wake:
  call i32 @pthread_cond_broadcast(ptr %condition)
  %published.p = getelementptr %Job, ptr %job, i32 0, i32 10
  store i32 1, ptr %published.p
  ret i1 true
busy:
  ret i1 false
}

; Takes the job back and waits until no helper looks at it any more.
define internal void @retire(ptr %job, ptr %pool) noinline {
entry:
  %tries = alloca i32
  store i32 0, ptr %tries
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 0
  %job.p = getelementptr %Pool, ptr %pool, i32 0, i32 2
  call i32 @pthread_mutex_lock(ptr %mutex)
  store ptr null, ptr %job.p
  call i32 @pthread_mutex_unlock(ptr %mutex)
  %finished.p = getelementptr %Job, ptr %job, i32 0, i32 16
  store atomic i32 1, ptr %finished.p release, align 4
  %helpers.p = getelementptr %Job, ptr %job, i32 0, i32 18
  br label %look
look:
  %helpers = load atomic i32, ptr %helpers.p acquire, align 4
  %alone = icmp eq i32 %helpers, 0
  br i1 %alone, label %out, label %wait
wait:
  call void @back_off(ptr %tries)
  br label %look
out:
  ret void
}

; Takes part in the open segment and waits for its last ticket.
define internal void @share(ptr %job, i32 %total, ptr %scratch) noinline {
entry:
  %tries = alloca i32
  store i32 0, ptr %tries
  call void @drain(ptr %job, ptr %scratch, i32 0)
  %done.p = getelementptr %Job, ptr %job, i32 0, i32 15
  br label %look
look:
  %done = load atomic i32, ptr %done.p acquire, align 4
  %complete = icmp uge i32 %done, %total
  br i1 %complete, label %out, label %wait
wait:
  call void @back_off(ptr %tries)
  br label %look
out:
  ret void
}

; Sets the shared counter: from this ticket of this segment on, the rest is for whoever takes it.
define internal void @open(ptr %job, i32 %number, i32 %ticket) {
  %done.p = getelementptr %Job, ptr %job, i32 0, i32 15
  store atomic i32 %ticket, ptr %done.p monotonic, align 4
  %number64 = zext i32 %number to i64
  %high = shl i64 %number64, 32
  %low = zext i32 %ticket to i64
  %claim = or i64 %high, %low
  %claim.p = getelementptr %Job, ptr %job, i32 0, i32 13
  store atomic i64 %claim, ptr %claim.p release, align 8
  ret void
}

; Runs a job to its end. Returns its error (0: none).
define i64 @execute(ptr %job) {
entry:
  %scratch = alloca %Scratch, align 64
  %alone.p = alloca i1                     ; no help to be had, or none any more
  %began.p = alloca i64
  %pool.p = getelementptr %Job, ptr %job, i32 0, i32 6
  %pool = load ptr, ptr %pool.p
  %segments.p = getelementptr %Job, ptr %job, i32 0, i32 1
  %segments = load ptr, ptr %segments.p
  %count.p = getelementptr %Job, ptr %job, i32 0, i32 7
  %count = load i32, ptr %count.p
  %eager.p = getelementptr %Job, ptr %job, i32 0, i32 9
  %published.p = getelementptr %Job, ptr %job, i32 0, i32 10
  %patience.p = getelementptr %Job, ptr %job, i32 0, i32 11
  %error.p = getelementptr %Job, ptr %job, i32 0, i32 17
  %mode = call i64 @flush_denormals()
  %single = icmp eq ptr %pool, null
  store i1 %single, ptr %alone.p
  store i64 0, ptr %began.p
  store i32 0, ptr %published.p
  store i64 0, ptr %error.p
  %finished.p = getelementptr %Job, ptr %job, i32 0, i32 16
  store i32 0, ptr %finished.p
  %helpers.p = getelementptr %Job, ptr %job, i32 0, i32 18
  store i32 0, ptr %helpers.p
  call void @begin_scratch(ptr %job, ptr %scratch, i32 0)
  br label %segment.loop
segment.loop:
  %number = phi i32 [ 0, %entry ], [ %number.next, %segment.next ]
  %more = icmp ult i32 %number, %count
  br i1 %more, label %segment.begin, label %finish
segment.begin:
  %segment = getelementptr %Segment, ptr %segments, i32 %number
  %indirect.p = getelementptr %Segment, ptr %segment, i32 0, i32 3
  %indirect = load i32, ptr %indirect.p
  %is.indirect = icmp ne i32 %indirect, 0
  br i1 %is.indirect, label %counts, label %tickets
counts:
  call void @open_indirect(ptr %job, ptr %segment, ptr %scratch)
  br label %tickets
tickets:
  %total.p = getelementptr %Segment, ptr %segment, i32 0, i32 2
  %total = load i32, ptr %total.p
  br label %ticket.loop
ticket.loop:
  %ticket = phi i32 [ 0, %tickets ], [ %ticket.next, %ticket.run ]
  %left = sub i32 %total, %ticket
  %none = icmp eq i32 %left, 0
  br i1 %none, label %segment.end, label %consider
consider:
  ; The last ticket of a segment is never worth a call for help.
  %few = icmp eq i32 %left, 1
  %alone = load i1, ptr %alone.p
  %keep = or i1 %few, %alone
  br i1 %keep, label %ticket.run, label %worth
worth:
  %published = load i32, ptr %published.p
  %helped = icmp ne i32 %published, 0
  br i1 %helped, label %shared, label %unpublished
unpublished:
  %eager = load i32, ptr %eager.p
  %at.once = icmp ne i32 %eager, 0
  br i1 %at.once, label %call, label %clock
clock:
  %now = call i64 @now_ns()
  %began = load i64, ptr %began.p
  %first.look = icmp eq i64 %began, 0
  br i1 %first.look, label %clock.start, label %clock.compare
clock.start:
  store i64 %now, ptr %began.p
  br label %ticket.run
clock.compare:
  %patience = load i64, ptr %patience.p
  %ran = sub i64 %now, %began
  %long = icmp ugt i64 %ran, %patience
  br i1 %long, label %call, label %ticket.run
call:
  ; The claim is set before helpers can see the job.
  call void @open(ptr %job, i32 %number, i32 %ticket)
  %got = call i1 @publish(ptr %job, ptr %pool)
  br i1 %got, label %together, label %refused
refused:
  store i1 true, ptr %alone.p
  br label %ticket.run
shared:
  call void @open(ptr %job, i32 %number, i32 %ticket)
  br label %together
together:
  call void @share(ptr %job, i32 %total, ptr %scratch)
  br label %segment.end
ticket.run:
  call void @run_ticket(ptr %job, ptr %segment, i32 %ticket, ptr %scratch, i32 0)
  %ticket.next = add i32 %ticket, 1
  br label %ticket.loop
segment.end:
  %error = load atomic i64, ptr %error.p monotonic, align 8
  %failed = icmp ne i64 %error, 0
  br i1 %failed, label %finish, label %segment.next
segment.next:
  %number.next = add i32 %number, 1
  br label %segment.loop
finish:
  %was.published = load i32, ptr %published.p
  %shared.once = icmp ne i32 %was.published, 0
  br i1 %shared.once, label %take.back, label %out
take.back:
  call void @retire(ptr %job, ptr %pool)
  br label %out
out:
  call void @restore_fpu(i64 %mode)
  %result = load atomic i64, ptr %error.p acquire, align 8
  ret i64 %result
}

; ---------------------------------------------------------------- measuring the profiler

; Nanoseconds that `count` empty commands take with both stamps.
define i64 @measure_stamps(ptr %job, i32 %count) {
entry:
  %start = call i64 @now_ns()
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %next, %loop ]
  call void @stamp(ptr %job, i32 %i, i32 0, i64 0)
  call void @stamp(ptr %job, i32 %i, i32 0, i64 1)
  %next = add i32 %i, 1
  %more = icmp ult i32 %next, %count
  br i1 %more, label %loop, label %done
done:
  %end = call i64 @now_ns()
  %spent = sub i64 %end, %start
  ret i64 %spent
}
