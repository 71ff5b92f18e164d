package org.adjoint.cpu.group;

import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_float;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Code;
import org.adjoint.cpu.group.Machine.Value;

/** One point at a time, in Java's own arithmetic, over arrays; masks are ints. */
final class ScalarEmitter extends Emitter {
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");
    private static final ClassDesc FLOAT = ClassDesc.of("java.lang.Float");
    private static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
    private static final ClassDesc LARGE_ANGLES = ClassDesc.of(LargeAngles.class.getName());

    ScalarEmitter(LoopProgram program, CodeBuilder code) {
        super(program, code);
    }

    @Override
    int lanes() {
        return 1;
    }

    @Override
    boolean keepsConstants() {
        return false;
    }

    @Override
    TypeKind type(Kind kind) {
        return switch (kind) {
            case F32 -> TypeKind.FLOAT;
            case F64 -> TypeKind.DOUBLE;
            case I32, MASK -> TypeKind.INT;
            case I64 -> TypeKind.LONG;
        };
    }

    @Override
    void load(Access access, int operand) {
        base(operand);
        arrayIndex(operand);
        code.arrayLoad(type(access.kind()));
    }

    @Override
    void store(Store store, int operand) {
        base(operand);
        arrayIndex(operand);
        push(store.value());
        code.arrayStore(type(store.access().kind()));
    }

    @Override
    void invariant(Value value) {
        if (value.code() == Code.CONSTANT) {
            switch (value.kind()) {
                case F32 -> code.loadConstant(Float.intBitsToFloat((int) value.constant()));
                case F64 -> code.loadConstant(Double.longBitsToDouble(value.constant()));
                case I32, MASK -> code.loadConstant((int) value.constant());
                case I64 -> code.loadConstant(value.constant());
            }
            return;
        }
        scalarBits(value);
        switch (value.kind()) {
            case F32 -> {
                invokeStatic(DOUBLE, "longBitsToDouble", CD_double, CD_long);
                code.d2f();
            }
            case F64 -> invokeStatic(DOUBLE, "longBitsToDouble", CD_double, CD_long);
            case I32, MASK -> code.l2i();
            case I64 -> { }
        }
    }

    @Override
    void openFold(Fold fold, int operand) { }

    @Override
    void closeFold(Fold fold, int operand) { }

    @Override
    void fold(Fold fold, int operand, int step) {
        Kind kind = fold.kind();
        base(operand);
        code.iload(index).loadConstant(fold.lanes() - 1).iand();
        code.dup2().arrayLoad(type(kind));
        ClassDesc type = primitive(kind);
        switch (fold.op()) {
            case SUM -> {
                push(fold.a());
                add(kind);
            }
            case PROD -> {
                push(fold.a());
                multiply(kind);
            }
            case MIN, MAX -> {
                push(fold.a());
                invokeStatic(MATH, fold.op() == LoopProgram.FoldOp.MIN ? "min" : "max", type, type, type);
            }
            case FMA -> {
                int lane = code.allocateLocal(type(kind));
                code.storeLocal(type(kind), lane);
                push(fold.a());
                push(fold.b());
                code.loadLocal(type(kind), lane);
                invokeStatic(MATH, "fma", type, type, type, type);
            }
        }
        code.arrayStore(type(kind));
    }

    private void add(Kind kind) {
        switch (kind) {
            case F32 -> code.fadd();
            case F64 -> code.dadd();
            case I32, MASK -> code.iadd();
            case I64 -> code.ladd();
        }
    }

    private void multiply(Kind kind) {
        switch (kind) {
            case F32 -> code.fmul();
            case F64 -> code.dmul();
            case I32, MASK -> code.imul();
            case I64 -> code.lmul();
        }
    }

    @Override
    void operation(Value value) {
        if (value.code() == Code.SELECT) {
            push(value.b());
            push(value.c());
            push(value.a());
            select(value.kind());
            return;
        }
        value.operands().forEach(this::push);
        Kind kind = value.operands().get(0).kind();
        ClassDesc type = primitive(kind);
        switch (value.code()) {
            case ADD -> add(kind);
            case SUB -> {
                switch (kind) {
                    case F32 -> code.fsub();
                    case F64 -> code.dsub();
                    case I32, MASK -> code.isub();
                    case I64 -> code.lsub();
                }
            }
            case MUL -> multiply(kind);
            case DIV -> {
                switch (kind) {
                    case F32 -> code.fdiv();
                    case F64 -> code.ddiv();
                    case I32, MASK -> code.idiv();
                    case I64 -> code.ldiv();
                }
            }
            case REMAINDER -> {
                switch (kind) {
                    case F32 -> code.frem();
                    case F64 -> code.drem();
                    case I32, MASK -> code.irem();
                    case I64 -> code.lrem();
                }
            }
            case MIN -> invokeStatic(MATH, "min", type, type, type);
            case MAX -> invokeStatic(MATH, "max", type, type, type);
            case FMA -> invokeStatic(MATH, "fma", type, type, type, type);
            case SQRT -> {
                if (kind == Kind.F32) {
                    code.f2d();
                }
                invokeStatic(MATH, "sqrt", CD_double, CD_double);
                if (kind == Kind.F32) {
                    code.d2f();
                }
            }
            case NEG -> {
                if (kind == Kind.F32) {
                    code.fneg();
                } else {
                    code.dneg();
                }
            }
            case ABS -> invokeStatic(MATH, "abs", type, type);
            case AND -> {
                if (kind == Kind.I64) {
                    code.land();
                } else {
                    code.iand();
                }
            }
            case OR -> {
                if (kind == Kind.I64) {
                    code.lor();
                } else {
                    code.ior();
                }
            }
            case XOR -> {
                if (kind == Kind.I64) {
                    code.lxor();
                } else {
                    code.ixor();
                }
            }
            case NOT -> {
                switch (kind) {
                    case MASK -> code.iconst_1().ixor();
                    case I64 -> code.loadConstant(-1L).lxor();
                    case I32, F32, F64 -> code.iconst_m1().ixor();
                }
            }
            case SHIFT_LEFT -> {
                if (kind == Kind.I64) {
                    code.l2i().lshl();
                } else {
                    code.ishl();
                }
            }
            case SHIFT_RIGHT -> {
                if (kind == Kind.I64) {
                    code.l2i().lshr();
                } else {
                    code.ishr();
                }
            }
            case SHIFT_RIGHT_LOGICAL -> {
                if (kind == Kind.I64) {
                    code.l2i().lushr();
                } else {
                    code.iushr();
                }
            }
            case EQ, NE, LT, LE -> compare(value.code(), kind);
            case TO_BITS -> {
                if (kind == Kind.F32) {
                    invokeStatic(FLOAT, "floatToRawIntBits", CD_int, CD_float);
                } else {
                    invokeStatic(DOUBLE, "doubleToRawLongBits", CD_long, CD_double);
                }
            }
            case FROM_BITS -> {
                if (kind == Kind.I32) {
                    invokeStatic(FLOAT, "intBitsToFloat", CD_float, CD_int);
                } else {
                    invokeStatic(DOUBLE, "longBitsToDouble", CD_double, CD_long);
                }
            }
            case CONVERT -> code.conversion(type(kind), type(value.kind()));
            case LARGE_SIN -> invokeStatic(LARGE_ANGLES, "sin", type, type, type);
            case LARGE_COS -> invokeStatic(LARGE_ANGLES, "cos", type, type, type);
            case INPUT, SCALAR, CONSTANT, SELECT -> throw new IllegalStateException(value.code().name());
        }
    }

    /** With a, b and a mask on the stack: leaves a where the mask is set. */
    private void select(Kind kind) {
        Label keep = code.newLabel();
        code.ifne(keep);
        if (kind.isWide()) {
            code.dup2_x2().pop2().labelBinding(keep).pop2();
        } else {
            code.swap().labelBinding(keep).pop();
        }
    }

    private void compare(Code relation, Kind kind) {
        Label yes = code.newLabel();
        Label end = code.newLabel();
        if (kind == Kind.I32) {
            switch (relation) {
                case EQ -> code.if_icmpeq(yes);
                case NE -> code.if_icmpne(yes);
                case LT -> code.if_icmplt(yes);
                default -> code.if_icmple(yes);
            }
        } else {
            // With the operand order used here an unordered pair must count as greater.
            switch (kind) {
                case F32 -> code.fcmpg();
                case F64 -> code.dcmpg();
                default -> code.lcmp();
            }
            switch (relation) {
                case EQ -> code.ifeq(yes);
                case NE -> code.ifne(yes);
                case LT -> code.iflt(yes);
                default -> code.ifle(yes);
            }
        }
        code.iconst_0().goto_(end).labelBinding(yes).iconst_1().labelBinding(end);
    }
}
