package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.UniqueElements;
import org.adjoint.Variable;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kernels compiled beforehand, by the emulator's compiler, are all that the emulated card needs. */
class CompilingBackendTest {
    private static final String FILLED = "adjoint.cuda.cubins";
    private static final String CACHE = "adjoint.cuda.cache";

    private Emulator emulator;

    @TempDir
    private Path folder;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
        emulator.device(90, 132);
    }

    private Map<String, String> options() {
        return Map.of("folder", folder.resolve("filled").toString(), "architecture", "90");
    }

    /** Groups, row kernels, attention, an optimizer, and the kernel by which enqueueing is timed. */
    private static float[] train(Device device) {
        float[] values = new float[2 * 4 * 8];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i % 7 - 3) / 4f;
        }
        Variable weight = device.variable("weight", device.tensor(values, 2, 4, 8));
        AdamW adam = AdamW.of(List.of(weight)).learningRate(0.1);
        try (Step step = Step.compile(device, x -> {
            Tensor y = weight.tensor().attention(x, x, true).softmax(2).gelu();
            Tensor loss = y.mul(x).sum();
            adam.minimize(loss);
            return loss;
        })) {
            Tensor x = device.tensor(values, 2, 4, 8).add(1).realize();
            // Results that are kept are copied to where they belong, by a kernel of its own, after some runs.
            for (int i = 0; i < 12; i++) {
                step.run(x);
            }
            step.dryRunNanos(x);
            return weight.tensor().toFloatArray();
        }
    }

    private int compiled() {
        return Collections.frequency(emulator.calls(), "nvrtcCompileProgram");
    }

    private static void withProperty(String name, Path value, Runnable action) {
        String before = System.setProperty(name, value.toString());
        try {
            action.run();
        } finally {
            if (before == null) {
                System.clearProperty(name);
            } else {
                System.setProperty(name, before);
            }
        }
    }

    @Test
    void aCardNeedsNoCompilerForWhatWasCompiledBeforehand() throws IOException {
        try (Device device = Device.open("cuda-compile", options())) {
            assertTrue(device.description().startsWith("compiles for compute capability 9.0 with NVRTC "),
                device.description());
            train(device);
            assertEquals(0, device.liveBytes());
        }
        int programs = compiled();
        assertTrue(programs > 5, "only " + programs + " programs were compiled");
        assertEquals(List.of(), emulator.launches().keySet().stream().toList());
        try (Stream<Path> files = Files.list(folder.resolve("filled"))) {
            assertEquals(programs, files.count());
        }
        float[] expected = trainOnCard("own", Path.of("/nowhere"));
        assertEquals(programs, compiled(), "programs that a card asks for, but cuda-compile did not, or the reverse");
        emulator.reset();
        assertArrayEquals(expected, trainOnCard("another", folder.resolve("filled")));
        assertEquals(0, compiled());
        assertFalse(Files.exists(folder.resolve("another")), "something was compiled");
    }

    private float[] trainOnCard(String cache, Path filled) {
        emulator.reset();
        float[][] result = new float[1][];
        withProperty(CACHE, folder.resolve(cache), () -> withProperty(FILLED, filled, () -> {
            try (Device device = Device.open("cuda")) {
                result[0] = train(device);
            }
        }));
        assertEquals("", emulator.fault());
        return result[0];
    }

    private static void select(Device device) {
        Tensor x = device.tensor(new float[] {3, 1, 3, 2, 1, 5, 4});
        x.maskedSelect(x.greaterThan(2)).square().toFloatArray();
        UniqueElements unique = x.unique();
        unique.values().toFloatArray();
        unique.inverse().toLongArray();
        unique.counts().toLongArray();
        x.nonzero().toLongArray();
    }

    @Test
    void shapesThatDependOnValuesHaveElementsThereToo() {
        try (Device device = Device.open("cuda-compile", options())) {
            select(device);
        }
        emulator.reset();
        withProperty(CACHE, folder.resolve("own"), () -> withProperty(FILLED, folder.resolve("filled"), () -> {
            try (Device device = Device.open("cuda")) {
                select(device);
            }
        }));
        assertEquals(0, compiled());
    }

    /** Another compiler's code is taken from folders filled beforehand alone. */
    @Test
    void inTheUsersOwnFolderTheVersionOfTheCompilerCounts() {
        try (Device device = Device.open("cuda-compile", options())) {
            train(device);
        }
        int programs = compiled();
        withProperty(CACHE, folder.resolve("filled"), () -> {
            try (Device device = Device.open("cuda")) {
                train(device);
            }
        });
        assertEquals(2 * programs, compiled());
    }

    @Test
    void itIsNoDeviceThatIsListed() {
        assertEquals(List.of(), Device.list().stream().filter(it -> it.name().startsWith("cuda-compile")).toList());
    }

    @Test
    void wrongOptionsAreNamed() {
        assertEquals("cuda-compile: the options are folder and architecture, not []",
            assertThrows(IllegalArgumentException.class, () -> Device.open("cuda-compile")).getMessage());
        assertEquals("cuda-compile: the architecture must be a compute capability times 10, such as 90, but is 'sm_90'",
            assertThrows(IllegalArgumentException.class, () -> Device.open("cuda-compile",
                Map.of("folder", folder.toString(), "architecture", "sm_90"))).getMessage());
    }
}
