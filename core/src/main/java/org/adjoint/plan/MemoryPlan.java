package org.adjoint.plan;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gives the values of a schedule memory in one arena: those whose lives do not overlap share it. */
final class MemoryPlan {
    private final Map<Value, Block> blocks = new LinkedHashMap<>();
    private final long arenaBytes;

    /** Assigns memory and adds a slot per block to {@code slots}, which hold the external ones. */
    MemoryPlan(List<Task> schedule, List<Slot> slots) {
        assignBlocks(schedule);
        Set<Block> distinct = new LinkedHashSet<>(blocks.values());
        arenaBytes = ArenaLayout.assign(List.copyOf(distinct));
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
            task.outputs.forEach(output -> lastUse.put(output, task.position));
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
            for (Value output : task.outputs) {
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
}
