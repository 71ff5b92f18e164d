package org.adjoint.cpu.group;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Code;
import org.adjoint.cpu.group.Machine.Value;

/**
 * A vector of points at a time. All values have one number of lanes, that of the widest kind in a vector of the chosen
 * width; narrower kinds use narrower vectors. The Vector API is named, never linked: its module may be absent.
 */
final class VectorEmitter extends Emitter {
    private static final ClassDesc BYTE_ORDER = ClassDesc.of("java.nio.ByteOrder");
    private static final ClassDesc VECTOR = vector("Vector");
    private static final ClassDesc MASK = vector("VectorMask");
    private static final ClassDesc SPECIES = vector("VectorSpecies");
    private static final ClassDesc OPERATORS = vector("VectorOperators");
    private static final ClassDesc BINARY = vector("VectorOperators$Binary");
    private static final ClassDesc ASSOCIATIVE = vector("VectorOperators$Associative");
    private static final ClassDesc COMPARISON = vector("VectorOperators$Comparison");
    private static final ClassDesc CONVERSION = vector("VectorOperators$Conversion");
    private static final ClassDesc LARGE_ANGLES = ClassDesc.of("org.adjoint.cpu.group.VectorLargeAngles");

    /** The classes of lanes. */
    private enum Lanes {
        F32("FloatVector", 4), F64("DoubleVector", 8), I32("IntVector", 4), I64("LongVector", 8),
        I16("ShortVector", 2), I8("ByteVector", 1);

        final ClassDesc type;
        final int bytes;

        Lanes(String type, int bytes) {
            this.type = vector(type);
            this.bytes = bytes;
        }

        static Lanes of(Kind kind) {
            return switch (kind) {
                case F32 -> F32;
                case F64 -> F64;
                case I32 -> I32;
                case I64 -> I64;
                case MASK -> throw new IllegalArgumentException("a mask has the lanes of what was compared");
            };
        }
    }

    private final int lanes;
    private final int end;
    private final Map<Fold, int[]> accumulators = new HashMap<>();
    /** The lanes of this step that lie before the end, as a local variable for each kind of lane. */
    private final Map<Lanes, Integer> active = new EnumMap<>(Lanes.class);

    /** @param end local variable that bounds the points of a tail, or -1 where every vector is whole */
    VectorEmitter(LoopProgram program, CodeBuilder code, int lanes, int end) {
        super(program, code);
        this.lanes = lanes;
        this.end = end;
    }

    /** Lanes that all kinds of a program have, in vectors of {@code widthBits}. */
    static int lanes(LoopProgram program, int widthBits, Iterable<Value> values) {
        boolean wide = program.inputs().stream().anyMatch(access -> access.kind().isWide())
            || program.stores().stream().anyMatch(store -> store.access().kind().isWide());
        for (Value value : values) {
            wide |= value.kind().isWide();
        }
        return widthBits / (wide ? 64 : 32);
    }

    private static ClassDesc vector(String name) {
        return ClassDesc.of("jdk.incubator.vector." + name);
    }

    @Override
    int lanes() {
        return lanes;
    }

    @Override
    boolean keepsConstants() {
        return true;
    }

    @Override
    TypeKind type(Kind kind) {
        return TypeKind.REFERENCE;
    }

    private void species(Lanes kind) {
        code.getstatic(kind.type, "SPECIES_" + lanes * kind.bytes * 8, SPECIES);
    }

    private void byteOrder() {
        invokeStatic(BYTE_ORDER, "nativeOrder", BYTE_ORDER);
    }

    @Override
    void beginStep() {
        active.clear();
    }

    private void activeLanes(Lanes kind) {
        Integer known = active.get(kind);
        if (known != null) {
            code.aload(known);
            return;
        }
        species(kind);
        code.iload(index).i2l().iload(end).i2l();
        code.invokeinterface(SPECIES, "indexInRange", MethodTypeDesc.of(MASK, CD_long, CD_long));
        int local = code.allocateLocal(TypeKind.REFERENCE);
        code.dup().astore(local);
        active.put(kind, local);
    }

    private static Lanes stored(Access access) {
        return switch (access.bytes()) {
            case 1 -> Lanes.I8;
            case 2 -> Lanes.I16;
            default -> Lanes.of(access.kind());
        };
    }

    @Override
    void load(Access access, int operand) {
        Lanes stored = stored(access);
        species(stored);
        base(operand);
        ClassDesc[] parameters;
        if (access.array()) {
            arrayIndex(operand);
            parameters = new ClassDesc[] {SPECIES, arrayType(access.kind()), CD_int};
        } else {
            byteOffset(operand, access.bytes());
            byteOrder();
            parameters = new ClassDesc[] {SPECIES, SEGMENT, CD_long, BYTE_ORDER};
        }
        if (end >= 0) {
            activeLanes(stored);
            parameters = append(parameters, MASK);
        }
        invokeStatic(stored.type, access.array() ? "fromArray" : "fromMemorySegment", stored.type, parameters);
        if (access.bytes() < 4) {
            convert(access.bytes() == 1 ? "ZERO_EXTEND_B2I" : "ZERO_EXTEND_S2I", Lanes.I32);
        }
    }

    @Override
    void store(Store store, int operand) {
        Access access = store.access();
        Lanes stored = stored(access);
        push(store.value());
        if (access.bytes() < 4) {
            convert(access.bytes() == 1 ? "I2B" : "I2S", stored);
        }
        base(operand);
        ClassDesc[] parameters;
        if (access.array()) {
            arrayIndex(operand);
            parameters = new ClassDesc[] {arrayType(access.kind()), CD_int};
        } else {
            byteOffset(operand, access.bytes());
            byteOrder();
            parameters = new ClassDesc[] {SEGMENT, CD_long, BYTE_ORDER};
        }
        if (end >= 0) {
            activeLanes(stored);
            parameters = append(parameters, MASK);
        }
        invokeVirtual(stored.type, access.array() ? "intoArray" : "intoMemorySegment", CD_void, parameters);
    }

    private static ClassDesc[] append(ClassDesc[] types, ClassDesc type) {
        ClassDesc[] longer = Arrays.copyOf(types, types.length + 1);
        longer[types.length] = type;
        return longer;
    }

    private void convert(String conversion, Lanes target) {
        code.getstatic(OPERATORS, conversion, CONVERSION);
        species(target);
        code.iconst_0();
        invokeVirtual(VECTOR, "convertShape", VECTOR, CONVERSION, SPECIES, CD_int);
        code.checkcast(target.type);
    }

    @Override
    void invariant(Value value) {
        Lanes kind = Lanes.of(value.kind());
        species(kind);
        if (value.code() == Code.CONSTANT) {
            switch (kind) {
                case F32 -> code.loadConstant(Float.intBitsToFloat((int) value.constant()));
                case F64 -> code.loadConstant(Double.longBitsToDouble(value.constant()));
                case I64 -> code.loadConstant(value.constant());
                case I32, I16, I8 -> code.loadConstant((int) value.constant());
            }
        } else {
            scalarBits(value);
            switch (kind) {
                case F32 -> {
                    invokeStatic(ConstantDescs.CD_Double, "longBitsToDouble", ConstantDescs.CD_double, CD_long);
                    code.d2f();
                }
                case F64 ->
                    invokeStatic(ConstantDescs.CD_Double, "longBitsToDouble", ConstantDescs.CD_double, CD_long);
                case I32, I16, I8 -> code.l2i();
                case I64 -> { }
            }
        }
        invokeStatic(kind.type, "broadcast", kind.type, SPECIES, primitive(value.kind()));
    }

    @Override
    void openFold(Fold fold, int operand) {
        if (end >= 0) {
            return;
        }
        Lanes kind = Lanes.of(fold.kind());
        int vectors = fold.lanes() / lanes;
        int[] locals = new int[fold.chains(lanes)];
        for (int i = 0; i < locals.length; i++) {
            locals[i] = code.allocateLocal(TypeKind.REFERENCE);
            species(kind);
            base(operand);
            code.loadConstant(i % vectors * lanes);
            invokeStatic(kind.type, "fromArray", kind.type, SPECIES, arrayType(fold.kind()), CD_int);
            code.astore(locals[i]);
        }
        accumulators.put(fold, locals);
    }

    @Override
    void closeFold(Fold fold, int operand) {
        if (end >= 0) {
            return;
        }
        int[] locals = accumulators.get(fold);
        int vectors = fold.lanes() / lanes;
        for (int i = vectors; i < locals.length; i++) {
            code.aload(locals[i % vectors]).aload(locals[i]);
            invokeVirtual(Lanes.of(fold.kind()).type, method(fold), Lanes.of(fold.kind()).type, VECTOR);
            code.astore(locals[i % vectors]);
        }
        for (int i = 0; i < vectors; i++) {
            code.aload(locals[i]);
            base(operand);
            code.loadConstant(i * lanes);
            invokeVirtual(Lanes.of(fold.kind()).type, "intoArray", CD_void, arrayType(fold.kind()), CD_int);
        }
    }

    @Override
    void fold(Fold fold, int operand, int step) {
        if (end < 0) {
            int[] locals = accumulators.get(fold);
            int local = locals[step % locals.length];
            combine(fold, local);
            code.astore(local);
            return;
        }
        Lanes kind = Lanes.of(fold.kind());
        int lane = code.allocateLocal(TypeKind.REFERENCE);
        species(kind);
        base(operand);
        virtualLane(fold);
        invokeStatic(kind.type, "fromArray", kind.type, SPECIES, arrayType(fold.kind()), CD_int);
        code.astore(lane);
        code.aload(lane);
        combine(fold, lane);
        activeLanes(kind);
        invokeVirtual(kind.type, "blend", kind.type, VECTOR, MASK);
        base(operand);
        virtualLane(fold);
        invokeVirtual(kind.type, "intoArray", CD_void, arrayType(fold.kind()), CD_int);
    }

    private void virtualLane(Fold fold) {
        code.iload(index).loadConstant(fold.lanes() - 1).iand();
    }

    /** Pushes the accumulator in {@code local} combined with the fold's values. */
    private void combine(Fold fold, int local) {
        ClassDesc type = Lanes.of(fold.kind()).type;
        switch (fold.op()) {
            case SUM, MIN, MAX, PROD -> {
                code.aload(local);
                push(fold.a());
                invokeVirtual(type, method(fold), type, VECTOR);
            }
            case FMA -> {
                push(fold.a());
                push(fold.b());
                code.aload(local);
                invokeVirtual(type, "fma", type, VECTOR, VECTOR);
            }
        }
    }

    /** What combines two vectors of lanes. */
    private static String method(Fold fold) {
        return switch (fold.op()) {
            case SUM, FMA -> "add";
            case MIN -> "min";
            case PROD -> "mul";
            case MAX -> "max";
        };
    }

    @Override
    void operation(Value value) {
        switch (value.code()) {
            case SELECT -> select(value);
            case EQ, NE, LT, LE -> {
                push(value.a());
                code.getstatic(OPERATORS, value.code().name(), COMPARISON);
                push(value.b());
                invokeVirtual(Lanes.of(value.a().kind()).type, "compare", MASK, COMPARISON, VECTOR);
            }
            case SHIFT_LEFT -> shift(value, "LSHL");
            case SHIFT_RIGHT -> shift(value, "ASHR");
            case SHIFT_RIGHT_LOGICAL -> shift(value, "LSHR");
            case AND, OR, XOR, NOT -> bitwise(value);
            case ADD, SUB, MUL, DIV, MIN, MAX, FMA, SQRT, NEG, ABS -> {
                ClassDesc type = Lanes.of(value.kind()).type;
                value.operands().forEach(this::push);
                ClassDesc[] parameters = new ClassDesc[value.operands().size() - 1];
                Arrays.fill(parameters, VECTOR);
                String name = value.code().name().toLowerCase(Locale.ROOT);
                invokeVirtual(type, name, type, parameters);
            }
            case TO_BITS, FROM_BITS -> {
                push(value.a());
                Lanes target = Lanes.of(value.kind());
                String name = switch (target) {
                    case F32 -> "reinterpretAsFloats";
                    case F64 -> "reinterpretAsDoubles";
                    case I64 -> "reinterpretAsLongs";
                    case I32, I16, I8 -> "reinterpretAsInts";
                };
                invokeVirtual(VECTOR, name, target.type);
            }
            case CONVERT -> {
                push(value.a());
                convert(letter(value.a().kind()) + "2" + letter(value.kind()), Lanes.of(value.kind()));
            }
            case LARGE_SIN, LARGE_COS -> {
                ClassDesc type = Lanes.of(value.kind()).type;
                value.operands().forEach(this::push);
                invokeStatic(LARGE_ANGLES, value.code() == Code.LARGE_SIN ? "sin" : "cos", type, type, type);
            }
            case REMAINDER, INPUT, SCALAR, CONSTANT -> throw new IllegalStateException(value.code() + " of vectors");
        }
    }

    private static String letter(Kind kind) {
        return switch (kind) {
            case F32 -> "F";
            case F64 -> "D";
            case I32 -> "I";
            case I64 -> "L";
            case MASK -> throw new IllegalArgumentException("masks are selected with, not converted");
        };
    }

    private void select(Value value) {
        Lanes kind = Lanes.of(value.kind());
        push(value.c());
        push(value.b());
        pushMask(value.a(), kind);
        invokeVirtual(kind.type, "blend", kind.type, VECTOR, MASK);
    }

    private void shift(Value value, String operator) {
        Lanes kind = Lanes.of(value.kind());
        push(value.a());
        code.getstatic(OPERATORS, operator, BINARY);
        if (value.b().code() != Code.CONSTANT) {
            push(value.b());
            invokeVirtual(kind.type, "lanewise", kind.type, BINARY, VECTOR);
        } else if (kind == Lanes.I64) {
            code.loadConstant(value.b().constant());
            invokeVirtual(kind.type, "lanewise", kind.type, BINARY, CD_long);
        } else {
            code.loadConstant((int) value.b().constant());
            invokeVirtual(kind.type, "lanewise", kind.type, BINARY, CD_int);
        }
    }

    private void bitwise(Value value) {
        String name = value.code().name().toLowerCase(Locale.ROOT);
        if (value.kind() == Kind.MASK) {
            push(value.a());
            if (value.code() == Code.NOT) {
                invokeVirtual(MASK, "not", MASK);
            } else {
                pushMask(value.b(), maskLanes(value.a()));
                invokeVirtual(MASK, name, MASK, MASK);
            }
            return;
        }
        ClassDesc type = Lanes.of(value.kind()).type;
        push(value.a());
        switch (value.code()) {
            case NOT -> invokeVirtual(type, "not", type);
            case XOR -> {
                code.getstatic(OPERATORS, "XOR", ASSOCIATIVE);
                push(value.b());
                invokeVirtual(type, "lanewise", type, BINARY, VECTOR);
            }
            default -> {
                push(value.b());
                invokeVirtual(type, name, type, VECTOR);
            }
        }
    }

    /** What was compared to get a mask: masks of other lanes are cast to be combined with it. */
    private static Lanes maskLanes(Value mask) {
        Value value = mask;
        while (value.a().kind() == Kind.MASK) {
            value = value.a();
        }
        return Lanes.of(value.a().kind());
    }

    private void pushMask(Value mask, Lanes wanted) {
        push(mask);
        if (maskLanes(mask) != wanted) {
            species(wanted);
            invokeVirtual(MASK, "cast", MASK, SPECIES);
        }
    }
}
