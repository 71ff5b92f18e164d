package org.adjoint.cpu.group;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.adjoint.cpu.group.Machine.Value;

/** Turns {@link LoopProgram}s into hidden classes, which are unloaded when nobody holds their kernel any more. */
final class KernelGenerator {
    private static final ClassDesc KERNEL = ClassDesc.of(BlockKernel.class.getName());
    private static final ClassDesc NAME = ClassDesc.of(BlockKernel.class.getPackageName() + ".GeneratedKernel");
    private static final MethodTypeDesc MAIN = MethodTypeDesc.of(ConstantDescs.CD_void,
        ConstantDescs.CD_Object.arrayType(), ConstantDescs.CD_long.arrayType(), ConstantDescs.CD_long.arrayType(),
        ConstantDescs.CD_int);
    private static final MethodTypeDesc TAIL = MAIN.insertParameterTypes(3, ConstantDescs.CD_int);
    /** HotSpot compiles no method of 8,000 bytes or more. */
    private static final int LARGEST_METHOD = 7900;
    /** No operation takes fewer than six bytes: more of them are not worth writing, and would nest too deep. */
    private static final int MOST_OPERATIONS = LARGEST_METHOD / 6;

    private KernelGenerator() { }

    /**
     * The kernel of a program.
     *
     * @param widthBits 128, 256, 512, or 0 for scalar code
     * @return null if HotSpot would leave a method of it interpreted for its size
     */
    static BlockKernel generate(LoopProgram program, int widthBits) {
        if (operations(program) > MOST_OPERATIONS) {
            return null;
        }
        boolean scalar = widthBits == 0;
        int lanes = scalar ? 1 : lanes(program, widthBits);
        int unrolled = scalar ? 1 : program.folds().stream()
            .mapToInt(fold -> fold.chains(lanes)).max().orElse(1);
        byte[] bytes = ClassFile.of().build(NAME, type -> type
            .withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SUPER)
            .withSuperclass(KERNEL)
            .withMethodBody(ConstantDescs.INIT_NAME, ConstantDescs.MTD_void, 0, code -> code
                .aload(0).loadConstant(lanes * unrolled)
                .invokespecial(KERNEL, ConstantDescs.INIT_NAME,
                    MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int))
                .return_())
            .withMethodBody("main", MAIN, 0, code -> {
                Emitter emitter = scalar ? new ScalarEmitter(program, code)
                    : new VectorEmitter(program, code, lanes, -1);
                emitter.loop(-1, 4, unrolled);
            })
            .withMethodBody("tail", TAIL, 0, code -> {
                if (scalar) {
                    code.return_();
                } else {
                    new VectorEmitter(program, code, lanes, 5).loop(4, 5, 1);
                }
            }));
        if (longestMethod(bytes) > LARGEST_METHOD) {
            return null;
        }
        try {
            var lookup = MethodHandles.lookup().defineHiddenClass(bytes, true);
            return (BlockKernel) lookup.findConstructor(lookup.lookupClass(),
                MethodType.methodType(void.class)).invoke();
        } catch (Throwable failure) {
            throw new IllegalStateException("a generated kernel does not link", failure);
        }
    }

    /** Lanes of a program's vectors. */
    static int lanes(LoopProgram program, int widthBits) {
        return VectorEmitter.lanes(program, widthBits, reachable(program));
    }

    /** Whether every operation of a program has a vector instruction. */
    static boolean isVectorizable(LoopProgram program) {
        return reachable(program).stream()
            .noneMatch(value -> value.code().isScalarOnly(value.kind()));
    }

    /** Operations that a step executes. */
    static long operations(LoopProgram program) {
        return reachable(program).stream().filter(value -> !value.operands().isEmpty()).count();
    }

    private static int longestMethod(byte[] bytes) {
        return ClassFile.of().parse(bytes).methods().stream()
            .mapToInt(method -> method.findAttribute(Attributes.code()).orElseThrow().codeLength())
            .max().orElse(0);
    }

    private static Set<Value> reachable(LoopProgram program) {
        Set<Value> seen = new HashSet<>();
        List<Value> stack = new ArrayList<>(program.roots());
        while (!stack.isEmpty()) {
            Value value = stack.removeLast();
            if (seen.add(value)) {
                stack.addAll(value.operands());
            }
        }
        return seen;
    }
}
