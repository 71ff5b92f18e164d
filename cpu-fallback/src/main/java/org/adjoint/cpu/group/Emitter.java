package org.adjoint.cpu.group;

import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_float;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Value;

/**
 * Writes the body of one method of a {@link BlockKernel}: prologue, loop, and the values of a point or a vector of
 * points. A value that is read once is computed on the operand stack where it is read, others go to local variables.
 */
abstract class Emitter {
    static final ClassDesc SEGMENT = ClassDesc.of("java.lang.foreign.MemorySegment");
    private static final int BASES = 1;
    private static final int OFFSETS = 2;
    private static final int SCALARS = 3;

    final LoopProgram program;
    final CodeBuilder code;
    /** Local variable of each operand's base, and of where it starts. */
    private final int[] bases;
    private final int[] offsets;
    private final Map<Value, Integer> uses = new HashMap<>();
    /** Reachable values, each after its operands. */
    final List<Value> order = new ArrayList<>();
    /** Values that are in local variables at this point of the method. */
    private final Map<Value, Integer> locals = new HashMap<>();
    int index;
    private int unroll;

    Emitter(LoopProgram program, CodeBuilder code) {
        this.program = program;
        this.code = code;
        bases = new int[program.operands()];
        offsets = new int[program.operands()];
        countUses();
    }

    private void countUses() {
        Deque<Value> stack = new ArrayDeque<>();
        Set<Value> seen = new HashSet<>();
        for (Value root : program.roots()) {
            uses.merge(root, 1, Integer::sum);
            stack.push(root);
        }
        while (!stack.isEmpty()) {
            Value value = stack.pop();
            if (seen.add(value)) {
                order.add(value);
                for (Value operand : value.operands()) {
                    uses.merge(operand, 1, Integer::sum);
                    stack.push(operand);
                }
            }
        }
        order.sort((a, b) -> Integer.compare(a.index(), b.index()));
    }

    /** Points that one step computes. */
    abstract int lanes();

    /** Pushes the result of an operation that is neither {@code INPUT} nor invariant. */
    abstract void operation(Value value);

    /** With base and start of an operand on the stack, and the index of the point known, pushes its element. */
    abstract void load(Access access, int operand);

    /** Stores a value that is in a local variable. */
    abstract void store(Store store, int operand);

    /** Pushes what is the same at every point. */
    abstract void invariant(Value value);

    abstract TypeKind type(Kind kind);

    /** Combines a fold's lanes with values of this step. */
    abstract void fold(Fold fold, int operand, int step);

    /** Brings lanes from memory to where {@link #fold} keeps them, and back. */
    abstract void openFold(Fold fold, int operand);

    abstract void closeFold(Fold fold, int operand);

    /** The loop over points from {@code from} (a local variable, or 0 if negative) to local variable {@code to}. */
    void loop(int from, int to, int unrolled) {
        prologue();
        List<Fold> folds = program.folds();
        int firstFold = program.inputs().size() + program.stores().size();
        for (int i = 0; i < folds.size(); i++) {
            openFold(folds.get(i), firstFold + i);
        }
        index = code.allocateLocal(TypeKind.INT);
        if (from < 0) {
            code.iconst_0();
        } else {
            code.iload(from);
        }
        code.istore(index);
        var top = code.newLabel();
        var end = code.newLabel();
        code.labelBinding(top).iload(index).iload(to).if_icmpge(end);
        Map<Value, Integer> invariants = Map.copyOf(locals);
        for (unroll = 0; unroll < unrolled; unroll++) {
            locals.clear();
            locals.putAll(invariants);
            step();
        }
        code.iinc(index, lanes() * unrolled).goto_(top).labelBinding(end);
        for (int i = 0; i < folds.size(); i++) {
            closeFold(folds.get(i), firstFold + i);
        }
        code.return_();
    }

    private void prologue() {
        for (int i = 0; i < bases.length; i++) {
            Access access = program.operand(i);
            ClassDesc type = access.array() ? arrayType(access.kind()) : SEGMENT;
            bases[i] = code.allocateLocal(TypeKind.REFERENCE);
            code.aload(BASES).loadConstant(i).aaload().checkcast(type).astore(bases[i]);
            code.aload(OFFSETS).loadConstant(i).laload();
            if (access.array()) {
                offsets[i] = code.allocateLocal(TypeKind.INT);
                code.l2i().istore(offsets[i]);
            } else {
                offsets[i] = code.allocateLocal(TypeKind.LONG);
                code.lstore(offsets[i]);
            }
        }
        for (Value value : order) {
            if (value.code() == Machine.Code.SCALAR || value.code() == Machine.Code.CONSTANT && keepsConstants()) {
                invariant(value);
                keep(value);
                pop(value);
            }
        }
    }

    /** Whether constants are made ready before the loop. */
    abstract boolean keepsConstants();

    /** What each step of the loop does before its values. */
    void beginStep() { }

    /** All values first, then all stores: an output may be the memory of an input. */
    private void step() {
        beginStep();
        for (Value root : program.roots()) {
            if (!locals.containsKey(root)) {
                push(root);
                if (!locals.containsKey(root)) {
                    keep(root);
                }
                pop(root);
            }
        }
        for (int i = 0; i < program.stores().size(); i++) {
            store(program.stores().get(i), program.inputs().size() + i);
        }
        int firstFold = program.inputs().size() + program.stores().size();
        for (int i = 0; i < program.folds().size(); i++) {
            fold(program.folds().get(i), firstFold + i, unroll);
        }
    }

    /** Pushes a value. */
    final void push(Value value) {
        Integer local = locals.get(value);
        if (local != null) {
            code.loadLocal(type(value.kind()), local);
            return;
        }
        switch (value.code()) {
            case INPUT -> load(program.inputs().get((int) value.constant()), (int) value.constant());
            case CONSTANT, SCALAR -> invariant(value);
            case ADD, SUB, MUL, DIV, REMAINDER, MIN, MAX, FMA, SQRT, NEG, ABS, AND, OR, XOR, NOT, SHIFT_LEFT,
                SHIFT_RIGHT,
                SHIFT_RIGHT_LOGICAL, EQ, NE, LT, LE, SELECT, TO_BITS, FROM_BITS, CONVERT, LARGE_SIN, LARGE_COS ->
                operation(value);
        }
        if (uses.get(value) > 1 && value.code() != Machine.Code.CONSTANT) {
            keep(value);
        }
    }

    /** Keeps the value on top of the stack, which stays there, in a local variable. */
    private void keep(Value value) {
        TypeKind type = type(value.kind());
        int local = code.allocateLocal(type);
        if (type.slotSize() == 2) {
            code.dup2();
        } else {
            code.dup();
        }
        code.storeLocal(type, local);
        locals.put(value, local);
    }

    private void pop(Value value) {
        if (type(value.kind()).slotSize() == 2) {
            code.pop2();
        } else {
            code.pop();
        }
    }

    final void base(int operand) {
        code.aload(bases[operand]);
    }

    /** Pushes the array index of the element of this step, an int. */
    final void arrayIndex(int operand) {
        code.iload(offsets[operand]).iload(index).iadd();
        if (unroll > 0) {
            code.loadConstant(unroll * lanes()).iadd();
        }
    }

    /** Pushes the offset in bytes of the element of this step, a long. */
    final void byteOffset(int operand, int bytes) {
        code.lload(offsets[operand]).iload(index).i2l();
        if (unroll > 0) {
            code.loadConstant((long) unroll * lanes()).ladd();
        }
        if (bytes > 1) {
            code.loadConstant(Integer.numberOfTrailingZeros(bytes)).lshl();
        }
        code.ladd();
    }

    final void scalarBits(Value value) {
        code.aload(SCALARS).loadConstant((int) value.constant()).laload();
    }

    static ClassDesc arrayType(Kind kind) {
        return primitive(kind).arrayType();
    }

    static ClassDesc primitive(Kind kind) {
        return switch (kind) {
            case F32 -> CD_float;
            case F64 -> CD_double;
            case I32, MASK -> CD_int;
            case I64 -> CD_long;
        };
    }

    final void invokeStatic(ClassDesc owner, String name, ClassDesc result, ClassDesc... parameters) {
        code.invokestatic(owner, name, MethodTypeDesc.of(result, parameters));
    }

    final void invokeVirtual(ClassDesc owner, String name, ClassDesc result, ClassDesc... parameters) {
        code.invokevirtual(owner, name, MethodTypeDesc.of(result, parameters));
    }
}
