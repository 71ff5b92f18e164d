package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What frees memory, and what does not: nothing that an open handle can still read. */
class OwnershipTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void keepingAReadOfAnOuterVariableLeavesTheVariableWhereItIs() {
        Variable v = device.variable("v", device.scalar(3));
        try (Scope outer = device.scope()) {
            try (Scope inner = device.scope()) {
                inner.keep(v.tensor());
                inner.keep(v);
            }
        }
        assertEquals(3, v.tensor().item());
    }

    @Test
    void aKeptReadSurvivesAnAssignmentOfItsVariable() {
        Variable v = device.variable("v", device.scalar(3));
        try (Scope outer = device.scope()) {
            Tensor kept;
            try (Scope inner = device.scope()) {
                kept = inner.keep(v.tensor());
                v.assign(device.scalar(4));
            }
            assertEquals(3, kept.item());
        }
    }

    @Test
    void keepingWhatBelongsFurtherOutLeavesItThere() {
        Tensor x = device.tensor(new float[] {1, 2});
        try (Scope outer = device.scope()) {
            try (Scope inner = device.scope()) {
                inner.keep(x);
                inner.keep(x.reshape(2));
            }
        }
        assertArrayEquals(new float[] {1, 2}, x.toFloatArray());
    }

    @Test
    void aTensorComputedUnderAnotherNameInAnInnerScopeSurvivesThatScope() {
        Tensor x = device.ones(DType.F32, 2).add(1);
        try (Scope inner = device.scope()) {
            x.reshape(2).realize();
        }
        assertArrayEquals(new float[] {2, 2}, x.toFloatArray());
    }

    @Test
    void aCachedPlanKeepsNoMemory() throws InterruptedException {
        long before = device.liveBytes();
        for (int i = 0; i < 3; i++) {
            device.ones(DType.F32, 100 + i).realize().add(1).realize();
        }
        for (int i = 0; i < 100 && device.liveBytes() != before; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertEquals(before, device.liveBytes());
    }

    @Test
    void readsOfSeveralThreadsFreeAnOldValueWhenTheLastOfTheirScopesCloses() throws InterruptedException {
        Variable v = device.variable("v", device.zeros(DType.F64, 1000));
        long before = device.liveBytes();
        CountDownLatch assigned = new CountDownLatch(1);
        CountDownLatch read = new CountDownLatch(2);
        List<Double> seen = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                try (Scope scope = device.scope()) {
                    Tensor value = v.tensor();
                    read.countDown();
                    assigned.await();
                    seen.add(value.add(5).slice(0, 0, 1).item());
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        read.await();
        v.assign(device.ones(DType.F64, 1000));
        assigned.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(List.of(5.0, 5.0), seen);
        assertEquals(before, device.liveBytes());
    }

    @Test
    void aValueThatWasOnlyLookedAtIsFreedByAnAssignment() {
        Variable v = device.variable("v", device.zeros(DType.F64, 1000));
        try (Scope scope = device.scope()) {
            v.tensor().toDoubleArray();
        }
        long before = device.liveBytes();
        try (Scope scope = device.scope()) {
            v.assign(device.ones(DType.F64, 1000));
        }
        assertEquals(before, device.liveBytes());
        assertEquals(1, v.tensor().max().item());
    }

    @Test
    void aConstantMadeInATracedFunctionServesRunsInOtherScopes() {
        Tensor x = device.tensor(new float[] {1, 2});
        Step step = Step.compile(device, y -> y.add(device.tensor(new float[] {10, 20})));
        for (int run = 0; run < 2; run++) {
            try (Scope scope = device.scope()) {
                assertArrayEquals(new float[] {11, 22}, step.run(x).toFloatArray());
            }
        }
    }

    @Test
    void aCapturedReadOfAVariableIsAConstantThoughNobodyElseHoldsIt() throws InterruptedException {
        Variable v = device.variable("v", device.scalar(3));
        Tensor[] holder = {v.tensor()};
        WeakReference<Tensor> handle = new WeakReference<>(holder[0]);
        Step constant = Step.compile(device, () -> holder[0].add(0.5));
        constant.prepare();
        holder[0] = null;
        for (int i = 0; i < 100 && handle.get() != null; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertTrue(handle.get() == null);
        Step.compile(device, () -> {
            v.assign(v.tensor().add(10));
            return v.tensor();
        }).run();
        assertEquals(3.5, constant.run().item());
        v.assign(device.scalar(7));
        assertEquals(3.5, constant.run().item());
    }

    /** Longer than chains that are computed on the way, whose history goes where nobody can differentiate. */
    @Test
    void aGradientForAVariableReachesThroughALongChainThatWasComputedOnTheWay() throws InterruptedException {
        Variable v = device.variable("v", device.tensor(new float[] {1, 2}));
        Tensor[] x = {v.tensor()};
        WeakReference<Tensor> handle = new WeakReference<>(x[0]);
        x[0] = x[0].mul(2);
        for (int i = 0; i < 100 && handle.get() != null; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertTrue(handle.get() == null);
        for (int i = 0; i < 2500; i++) {
            x[0] = x[0].add(1);
        }
        Tensor loss = x[0].sum();
        assertArrayEquals(new float[] {2, 2}, loss.gradient(v).toFloatArray());
        v.assign(device.tensor(new float[] {3, 4}));
        assertThrows(IllegalStateException.class, () -> loss.gradient(v));
    }

    @Test
    void longChainsOfOperationsWithSeveralResultsAreComputedOnTheWay() {
        Tensor gamma = device.ones(DType.F32, 2);
        Tensor x = device.tensor(new float[] {1, 2});
        for (int i = 0; i < 600; i++) {
            x = x.layerNorm(gamma, gamma, 1e-5);
        }
        assertArrayEquals(new float[] {0, 2}, x.toFloatArray(), 1e-3f);
    }

    @Test
    void dropoutIsComputedBeforeWhatItReadsCloses() {
        Tensor x = device.tensor(new float[] {1, 2});
        Tensor y = x.dropout(0.5);
        x.close();
        assertEquals(2, y.toFloatArray().length);
    }

    @Test
    void randomNumbersOfAnotherDeviceInAStepAreAnErrorThatNamesBoth() {
        try (Device other = Device.open("reference:0")) {
            Step step = Step.compile(device, () -> other.random().uniform(DType.F32, 3));
            var error = assertThrows(IllegalArgumentException.class, step::run);
            assertTrue(error.getMessage().contains("reference:0"), error.getMessage());
        }
    }
}
