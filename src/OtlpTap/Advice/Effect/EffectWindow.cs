namespace OtlpTap.Advice.Effect;

/// <summary>Tallies by group, arm and hour, over the last hours. For one thread at a time; bounded by the number of tallies.</summary>
internal sealed class EffectWindow(TimeSpan length)
{
    /// <summary>A tally is some 1 KiB with its latencies: 16 MiB.</summary>
    public const int TalliesMax = 16_384;

    /// <summary>Senders choose the names of agents and tools: what they decide for themselves must not take the place of what policies advise.</summary>
    private const int SituationTalliesMax = TalliesMax / 2;

    private readonly Dictionary<EffectGroup, SortedList<long, Tally?[]>> _groups = [];
    private readonly int _hours = Math.Max(1, (int)Math.Ceiling(length.TotalHours));
    private long _first;
    private int _tallies;
    private int _situationTallies;

    public static long HourOf(DateTimeOffset time) => time.ToUnixTimeSeconds() / 3600;

    /// <returns>As it is to be taken out again: there may have been no room for some of it.</returns>
    public CountedRun Add(CountedRun run)
    {
        if (IsPast(run))
        {
            return run; // an opinion on what nobody looks at any more
        }

        var placed = new List<Place>(run.Places.Count);
        foreach (var place in run.Places)
        {
            if (TallyOf(place.Group, run.Hour, place.Arm) is { } tally)
            {
                tally.Add(run, place, 1);
                placed.Add(place);
            }
        }

        return run with { Placed = placed.Count == run.Places.Count ? run.Places : placed };
    }

    /// <summary>Whether its hour has gone by.</summary>
    public bool IsPast(CountedRun run) => run.Hour < _first;

    public void Remove(CountedRun run)
    {
        foreach (var place in run.Placed)
        {
            // Its hour may have gone by.
            if (_groups.TryGetValue(place.Group, out var hours) && hours.TryGetValue(run.Hour, out var arms))
            {
                arms[(int)place.Arm]?.Add(run, place, -1);
            }
        }
    }

    /// <summary>Forgets the hours that have gone by.</summary>
    public void Advance(DateTimeOffset now)
    {
        var first = HourOf(now) - _hours + 1;
        if (first == _first)
        {
            return;
        }

        _first = first;
        foreach (var (group, hours) in _groups)
        {
            while (hours.Count > 0 && hours.GetKeyAtIndex(0) < first)
            {
                Count(group.Kind, -hours.GetValueAtIndex(0).Count(tally => tally is not null));
                hours.RemoveAt(0);
            }

            if (hours.Count == 0)
            {
                _groups.Remove(group);
            }
        }
    }

    /// <summary>All that is known, each arm over all its hours; arms that no run was on are empty.</summary>
    public IEnumerable<(EffectGroup Group, Tally[] Arms)> Sums()
    {
        foreach (var (group, hours) in _groups)
        {
            var sums = new Tally[Arms.Count];
            for (var arm = 0; arm < sums.Length; arm++)
            {
                sums[arm] = new Tally();
                foreach (var arms in hours.Values)
                {
                    if (arms[arm] is { } tally)
                    {
                        sums[arm].Add(tally);
                    }
                }
            }

            yield return (group, sums);
        }
    }

    private Tally? TallyOf(in EffectGroup group, long hour, Arm arm)
    {
        var isThere = _groups.TryGetValue(group, out var hours);
        if (isThere && hours!.TryGetValue(hour, out var arms) && arms[(int)arm] is { } tally)
        {
            return tally;
        }

        if (_tallies >= TalliesMax || (group.Kind == GroupKind.Situation && _situationTallies >= SituationTalliesMax))
        {
            return null;
        }

        if (!isThere)
        {
            _groups.Add(group, hours = []);
        }

        if (!hours!.TryGetValue(hour, out arms))
        {
            hours.Add(hour, arms = new Tally?[Arms.Count]);
        }

        Count(group.Kind, 1);
        return arms[(int)arm] = new Tally();
    }

    private void Count(GroupKind kind, int added)
    {
        _tallies += added;
        _situationTallies += kind == GroupKind.Situation ? added : 0;
    }
}
