package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gives the values of a schedule memory in one arena: those whose lives do not overlap share it. */
final class MemoryPlan {
    /** Memory of one value, or of several that replace each other in place. */
    private static final class Block {
        final long bytes;
        final int start;
        int end;
        long offset;
        int slot;

        Block(long bytes, int start) {
            this.bytes = bytes;
            this.start = start;
            this.end = start;
        }

        long padded() {
            return (bytes + Plan.ALIGNMENT - 1) / Plan.ALIGNMENT * Plan.ALIGNMENT;
        }
    }

    private final Map<Value, Block> blocks = new LinkedHashMap<>();
    private long arenaBytes;

    /** Assigns memory and adds a slot per block to {@code slots}, which hold the external ones. */
    MemoryPlan(List<Task> schedule, List<Slot> slots) {
        assignBlocks(schedule);
        Set<Block> distinct = new LinkedHashSet<>(blocks.values());
        assignOffsets(new ArrayList<>(distinct));
        for (Block block : distinct) {
            block.slot = slots.size();
            slots.add(new Slot(Slot.Kind.ARENA, block.offset, block.bytes));
        }
    }

    long arenaBytes() {
        return arenaBytes;
    }

    /** The slot that a value lies in. */
    int slot(Value value) {
        return value.home != Value.ARENA ? value.home : blocks.get(value).slot;
    }

    private void assignBlocks(List<Task> schedule) {
        Map<Value, Integer> lastUse = new HashMap<>();
        for (Task task : schedule) {
            task.loads.forEach(load -> lastUse.put(load.value(), task.position));
            task.outputs().forEach(output -> lastUse.put(output, task.position));
        }
        for (Task task : schedule) {
            for (Operand load : task.loads) {
                // What nothing writes, for it has no elements, needs a slot all the same.
                use(load.value(), task.position);
            }
            Set<Value> dying = new LinkedHashSet<>();
            for (Operand load : task.loads) {
                if (lastUse.get(load.value()) == task.position && load.value().home == Value.ARENA) {
                    dying.add(load.value());
                }
            }
            for (Value output : task.outputs()) {
                if (output.home == Value.ARENA && !blocks.containsKey(output) && output.writers.size() == 1) {
                    takeOver(task, dying, output);
                }
                use(output, task.position);
            }
        }
    }

    private void use(Value value, int position) {
        if (value.home == Value.ARENA) {
            blocks.computeIfAbsent(value, _ -> new Block(value.type.bytes(), position)).end = position;
        }
    }

    /** Puts {@code output} where a value lies that nothing reads after {@code task}. */
    private void takeOver(Task task, Set<Value> dying, Value output) {
        for (Value input : dying) {
            if (task.mayOverwrite(input, output)) {
                blocks.put(output, blocks.get(input));
                dying.remove(input);
                return;
            }
        }
    }

    /** The largest first, each as low as blocks that live at the same time leave room. */
    private void assignOffsets(List<Block> pending) {
        pending.sort(Comparator.comparingLong(Block::padded).reversed().thenComparingInt(block -> block.start));
        List<Block> placed = new ArrayList<>();
        for (Block block : pending) {
            long offset = 0;
            for (Block other : placed) {
                if (other.start > block.end || other.end < block.start) {
                    continue;
                }
                if (other.offset >= offset + block.padded()) {
                    break;
                }
                offset = Math.max(offset, other.offset + other.padded());
            }
            block.offset = offset;
            arenaBytes = Math.max(arenaBytes, offset + block.padded());
            int position = placed.size();
            while (position > 0 && placed.get(position - 1).offset > offset) {
                position--;
            }
            placed.add(position, block);
        }
    }
}
