package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.cuda.driver.CudaException;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a run that fails leaves behind, and what a device says of itself when it can't be opened or is closed. */
class CudaDeviceTest {
    private static final int INVALID_VALUE = 1;
    /** Somebody else has the card for themselves. */
    private static final int DEVICE_UNAVAILABLE = 46;

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
    }

    @AfterEach
    void forget() {
        emulator.reset();
    }

    @Test
    void whatIndicesAreComputedFromChangesOnceWhereTheyAreOutOfRange() {
        try (Device device = Device.open("cuda")) {
            Variable position = device.variable("position", device.tensor(new int[] {2}));
            Tensor table = device.tensor(new float[] {1, 2, 3, 4});
            Step step = Step.compileAll(device, _ -> {
                position.assign(position.tensor().add(1));
                return List.of(table.gather(0, position.tensor()));
            });
            assertEquals(4, step.runAll(List.of()).getFirst().item());
            IndexOutOfBoundsException e =
                assertThrows(IndexOutOfBoundsException.class, () -> step.runAll(List.of()));
            assertEquals("gather: index 4 at position (0) is out of range for axis 0 with extent 4", e.getMessage());
            assertArrayEquals(new int[] {4}, position.tensor().toIntArray());
        }
    }

    @Test
    void whichIndexItWasIsNotToldWhereItWasOverwrittenSince() {
        try (Device device = Device.open("cuda")) {
            Variable position = device.variable("position", device.tensor(new int[] {4}));
            Tensor table = device.tensor(new float[] {1, 2, 3, 4});
            Step step = Step.compileAll(device, _ -> {
                Tensor here = table.gather(0, position.tensor());
                position.assign(position.tensor().sub(3));
                return List.of(here.add(table.gather(0, position.tensor())));
            });
            IndexOutOfBoundsException e =
                assertThrows(IndexOutOfBoundsException.class, () -> step.runAll(List.of()));
            assertEquals("gather: an index at position (0) is out of range for axis 0 with extent 4", e.getMessage());
            assertArrayEquals(new int[] {1}, position.tensor().toIntArray());
        }
    }

    @Test
    void indicesOfARunThatBrokeOffAreForgotten() {
        try (Device device = Device.open("cuda", Map.of("graphs", "false"))) {
            Tensor table = device.tensor(new float[] {1, 2, 3, 4});
            Step step = Step.compile(device, indices -> table.gather(0, indices).sum());
            Tensor good = device.tensor(new int[] {3, 2, 0});
            assertEquals(8, step.run(good).item());
            Step twice = Step.compile(device, indices -> table.gather(0, table.gather(0, indices).to(DType.I32)));
            Tensor bad = device.tensor(new int[] {1, 4});
            twice.prepare(bad);
            // The first gather meets the index and runs, the second is not even enqueued.
            emulator.failAt("cuLaunchKernel", 2, INVALID_VALUE);
            assertThrows(CudaException.class, () -> twice.run(bad));
            emulator.failNoMore();
            assertEquals(8, step.run(good).item());
        }
    }

    @Test
    void aDryRunThatFailsKeepsNothing() {
        try (Device device = Device.open("cuda")) {
            Tensor x = device.tensor(new float[] {1, 2, 3, 4});
            Step step = Step.compile(device, y -> y.square());
            step.dryRunNanos(x);
            long live = device.liveBytes();
            emulator.failAt("cuLaunchKernel", 1, INVALID_VALUE);
            assertThrows(CudaException.class, () -> step.dryRunNanos(x));
            assertEquals(live, device.liveBytes());
        }
    }

    @Test
    void anOptionThatIsNoneSaysWhereItComesFrom() {
        System.setProperty("adjoint.cuda.tf32", "maybe");
        try {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Device.open("cuda"));
            assertEquals("cuda: tf32 must be true or false but is 'maybe', by the property adjoint.cuda.tf32",
                e.getMessage());
        } finally {
            System.clearProperty("adjoint.cuda.tf32");
        }
    }

    @Test
    void aClosedDeviceHasNoLiveBytes() {
        DeviceDriver driver = new CudaBackend().open(0, Map.of());
        driver.allocate(100);
        assertEquals(100, driver.liveBytes());
        driver.close();
        assertEquals(0, driver.liveBytes());
    }

    @Test
    void theCpuServesWhereTheCardCantBeOpened() {
        emulator.failAt("cuDevicePrimaryCtxRetain", 1, DEVICE_UNAVAILABLE);
        try (Device device = Device.open()) {
            assertEquals("cpu", device.name());
        }
    }
}
