package org.adjoint.cpu.gemm;

import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_float;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;

/**
 * Writes the classes behind {@link TileKernel}: every accumulator is a local variable, so that the JIT keeps it in a
 * register, which no loop over an array of vectors achieves. With one lane the same code is written over plain
 * {@code float} or {@code double} and {@code Math.fma}, the scalar twin. The Vector API is named by descriptors only:
 * this class loads where that module is absent.
 *
 * <p>The kernel holds nothing but arithmetic and array accesses: with its results written through a
 * {@code MemorySegment}, C2 gives up on the method and it runs a hundred times slower.
 */
final class TileGenerator {

    private static final ClassDesc CD_MATH = ClassDesc.of("java.lang.Math");
    private static final ClassDesc CD_VECTOR = ClassDesc.of("jdk.incubator.vector.Vector");
    private static final ClassDesc CD_SPECIES = ClassDesc.of("jdk.incubator.vector.VectorSpecies");

    // Local variables of run(): 0 is this, 1 to 7 are its parameters.
    private static final int DEPTH = 1;
    private static final int A = 2;
    private static final int A_OFFSET = 3;
    private static final int B = 4;
    private static final int B_OFFSET = 5;
    private static final int STEPS = 6;
    private static final int TILE = 7;
    private static final int STEP = 8;
    private static final int B_INDEX = 9;
    private static final int FIRST_VALUE = 10;

    private final int rows;
    private final int vectors;
    private final int lanes;
    private final int rowStride;
    private final boolean doubles;
    private final boolean scattered;

    private final ClassDesc self = ClassDesc.of(TileGenerator.class.getPackageName() + ".Tile");
    private final ClassDesc scalarType;
    private final ClassDesc vectorType;
    private final TypeKind kind;

    private TileGenerator(int rows, int vectors, int lanes, int rowStride, boolean doubles, boolean scattered) {
        this.rows = rows;
        this.vectors = vectors;
        this.lanes = lanes;
        this.rowStride = rowStride;
        this.doubles = doubles;
        this.scattered = scattered;
        this.scalarType = doubles ? CD_double : CD_float;
        this.vectorType = ClassDesc.of("jdk.incubator.vector." + (doubles ? "DoubleVector" : "FloatVector"));
        this.kind = lanes > 1 ? TypeKind.REFERENCE : doubles ? TypeKind.DOUBLE : TypeKind.FLOAT;
    }

    /**
     * @param rows      rows of the tile
     * @param vectors   vectors of columns
     * @param lanes     lanes per vector; 1 writes scalar code
     * @param rowStride elements between rows of a
     * @param doubles   {@code double[]} instead of {@code float[]}
     * @param scattered whether steps of b lie where {@code steps} says, not one behind the other
     */
    static TileKernel generate(int rows, int vectors, int lanes, int rowStride, boolean doubles, boolean scattered) {
        byte[] bytes = new TileGenerator(rows, vectors, lanes, rowStride, doubles, scattered).write();
        try {
            return (TileKernel) MethodHandles.lookup().defineHiddenClass(bytes, true)
                    .lookupClass().getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the generated kernel of " + rows + " rows can't be instantiated", e);
        }
    }

    private byte[] write() {
        return ClassFile.of().build(self, type -> {
            type.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SYNTHETIC);
            type.withInterfaceSymbols(ClassDesc.of(TileKernel.class.getName()));
            type.withMethodBody(ConstantDescs.INIT_NAME, ConstantDescs.MTD_void, 0, code -> code
                    .aload(0).invokespecial(CD_Object, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void).return_());
            if (lanes > 1) {
                type.withField("SPECIES", CD_SPECIES,
                        ClassFile.ACC_PRIVATE | ClassFile.ACC_STATIC | ClassFile.ACC_FINAL);
                String species = "SPECIES_" + lanes * (doubles ? Double.SIZE : Float.SIZE);
                type.withMethodBody(ConstantDescs.CLASS_INIT_NAME, ConstantDescs.MTD_void, ClassFile.ACC_STATIC,
                        code -> code.getstatic(vectorType, species, CD_SPECIES)
                                .putstatic(self, "SPECIES", CD_SPECIES).return_());
            }
            type.withMethodBody("run",
                    MethodTypeDesc.of(CD_void, CD_int, CD_Object, CD_int, CD_Object, CD_int, CD_int.arrayType(),
                            CD_Object),
                    ClassFile.ACC_PUBLIC, this::run);
        });
    }

    private void run(CodeBuilder code) {
        for (int array : new int[] {A, B, TILE}) {
            code.aload(array).checkcast(scalarType.arrayType()).astore(array);
        }
        for (int row = 0; row < rows; row++) {
            for (int vector = 0; vector < vectors; vector++) {
                zero(code);
                code.storeLocal(kind, accumulator(row, vector));
            }
        }
        Label loop = code.newLabel();
        Label end = code.newLabel();
        code.iconst_0().istore(STEP);
        code.labelBinding(loop).iload(STEP).iload(DEPTH).if_icmpge(end);
        code.iload(B_OFFSET);
        if (scattered) {
            code.aload(STEPS).iload(STEP).iaload().iadd();
        }
        code.istore(B_INDEX);
        for (int vector = 0; vector < vectors; vector++) {
            load(code, B, B_INDEX, vector * lanes);
            code.storeLocal(kind, column(vector));
        }
        for (int row = 0; row < rows; row++) {
            broadcast(code, row * rowStride);
            code.storeLocal(kind, factor());
            for (int vector = 0; vector < vectors; vector++) {
                code.loadLocal(kind, factor()).loadLocal(kind, column(vector))
                        .loadLocal(kind, accumulator(row, vector));
                fma(code);
                code.storeLocal(kind, accumulator(row, vector));
            }
        }
        code.iinc(A_OFFSET, 1).iinc(B_OFFSET, scattered ? 0 : vectors * lanes).iinc(STEP, 1)
                .goto_(loop).labelBinding(end);
        for (int row = 0; row < rows; row++) {
            for (int vector = 0; vector < vectors; vector++) {
                store(code, accumulator(row, vector), (row * vectors + vector) * lanes);
            }
        }
        code.return_();
    }

    private int accumulator(int row, int vector) {
        return FIRST_VALUE + (row * vectors + vector) * kind.slotSize();
    }

    private int column(int vector) {
        return accumulator(rows, vector);
    }

    private int factor() {
        return accumulator(rows + 1, 0);
    }

    private void zero(CodeBuilder code) {
        if (lanes > 1) {
            species(code).invokestatic(vectorType, "zero", MethodTypeDesc.of(vectorType, CD_SPECIES));
        } else if (doubles) {
            code.dconst_0();
        } else {
            code.fconst_0();
        }
    }

    private void load(CodeBuilder code, int array, int offset, int constant) {
        if (lanes > 1) {
            species(code).aload(array).iload(offset).loadConstant(constant).iadd().invokestatic(vectorType,
                    "fromArray", MethodTypeDesc.of(vectorType, CD_SPECIES, scalarType.arrayType(), CD_int));
        } else {
            code.aload(array).iload(offset).loadConstant(constant).iadd().arrayLoad(kind);
        }
    }

    private void broadcast(CodeBuilder code, int constant) {
        if (lanes > 1) {
            species(code).aload(A).iload(A_OFFSET).loadConstant(constant).iadd()
                    .arrayLoad(doubles ? TypeKind.DOUBLE : TypeKind.FLOAT)
                    .invokestatic(vectorType, "broadcast", MethodTypeDesc.of(vectorType, CD_SPECIES, scalarType));
        } else {
            load(code, A, A_OFFSET, constant);
        }
    }

    private void fma(CodeBuilder code) {
        if (lanes > 1) {
            code.invokevirtual(vectorType, "fma", MethodTypeDesc.of(vectorType, CD_VECTOR, CD_VECTOR));
        } else {
            code.invokestatic(CD_MATH, "fma", MethodTypeDesc.of(scalarType, scalarType, scalarType, scalarType));
        }
    }

    private void store(CodeBuilder code, int value, int constant) {
        if (lanes > 1) {
            code.aload(value).aload(TILE).loadConstant(constant).invokevirtual(vectorType, "intoArray",
                    MethodTypeDesc.of(CD_void, scalarType.arrayType(), CD_int));
        } else {
            code.aload(TILE).loadConstant(constant).loadLocal(kind, value).arrayStore(kind);
        }
    }

    private CodeBuilder species(CodeBuilder code) {
        return code.getstatic(self, "SPECIES", CD_SPECIES);
    }
}
