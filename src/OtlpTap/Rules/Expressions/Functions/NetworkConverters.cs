using System.Security.Cryptography;

namespace OtlpTap.Rules.Expressions.Functions;

internal static class NetworkConverters
{
    private static readonly Dictionary<string, byte> Protocols = new(StringComparer.Ordinal)
    {
        ["ICMP"] = 1, ["TCP"] = 6, ["UDP"] = 17, ["RSVP"] = 46, ["ICMP6"] = 58, ["SCTP"] = 132,
    };

    public static IEnumerable<Converter> All { get; } =
    [
        new("IsInCIDR", [new("Target", ParameterKind.Text), new("Networks", ParameterKind.TextList)], IsInCidr),
        Converter.Of("URL", [new("URI", ParameterKind.Text)], values => Url.Parts(((TextValue)values[0]).Text)),
        Converter.Of("UserAgent", [new("UserAgent", ParameterKind.Text)], values => UserAgent.Parts(((TextValue)values[0]).Text)),
        Converter.Of(
            "CommunityID",
            [
                new("SourceIP", ParameterKind.Text), new("SourcePort", ParameterKind.Int), new("DestinationIP", ParameterKind.Text), new("DestinationPort", ParameterKind.Int),
                new("Protocol", ParameterKind.Text, IsOptional: true), new("Seed", ParameterKind.Int, IsOptional: true),
            ],
            CommunityId),
    ];

    /// <summary>What is no address is in no network; a network that is none is refused, or an error when a path says it and it is reached.</summary>
    private static Func<TelemetryItem, Value>? IsInCidr(ConverterCall call)
    {
        var networks = call.Elements(1);
        if (!networks.All(network => network is LiteralExpression))
        {
            return item => Find(call[0].Get(item), networks.Select(network => network.Get(item)));
        }

        foreach (var network in networks)
        {
            var text = ((TextValue)((LiteralExpression)network).Value).Text;
            if (IpNetwork.Parse(text) is null)
            {
                return call.Refuse(1, $"'{ByteText.ToDisplay(text)}' is no network such as 10.0.0.0/8.");
            }
        }

        var known = networks.Select(network => ((LiteralExpression)network).Value).ToList();
        return item => Find(call[0].Get(item), known);
    }

    private static Value Find(Value target, IEnumerable<Value> networks)
    {
        if (target is not TextValue text)
        {
            return target;
        }

        if (IpNetwork.ParseAddress(text.Text) is not { } address)
        {
            return BoolValue.False;
        }

        foreach (var value in networks)
        {
            if (value is not TextValue name)
            {
                return value;
            }

            if (IpNetwork.Parse(name.Text) is not { } network)
            {
                return new Failure($"'{ByteText.ToDisplay(name.Text)}' is no network such as 10.0.0.0/8");
            }

            if (network.Contains(address))
            {
                return BoolValue.True;
            }
        }

        return BoolValue.False;
    }

    /// <summary>Source: https://github.com/corelight/community-id-spec.</summary>
    private static Value CommunityId(Value[] values)
    {
        var source = IpNetwork.ParseAddress(((TextValue)values[0]).Text);
        var destination = IpNetwork.ParseAddress(((TextValue)values[2]).Text);
        var sourcePort = ((IntValue)values[1]).Value;
        var destinationPort = ((IntValue)values[3]).Value;
        var seed = values[5] is IntValue given ? given.Value : 0;
        byte protocol = 6;
        if (source is null || destination is null)
        {
            return new Failure("an address is none");
        }

        if (sourcePort is < 0 or > ushort.MaxValue || destinationPort is < 0 or > ushort.MaxValue || seed is < 0 or > ushort.MaxValue)
        {
            return new Failure("a port or the seed is not between 0 and 65535");
        }

        if (values[4] is TextValue name && !Protocols.TryGetValue(name.Text, out protocol))
        {
            return new Failure($"the protocol {ByteText.ToDisplay(name.Text)} is unknown");
        }

        var order = source.Length != destination.Length ? source.Length - destination.Length : source.AsSpan().SequenceCompareTo(destination);
        if (order > 0 || (order == 0 && sourcePort > destinationPort))
        {
            (source, destination) = (destination, source);
            (sourcePort, destinationPort) = (destinationPort, sourcePort);
        }

        byte[] flow =
        [
            (byte)(seed >> 8), (byte)seed, .. source, .. destination, protocol, 0,
            (byte)(sourcePort >> 8), (byte)sourcePort, (byte)(destinationPort >> 8), (byte)destinationPort,
        ];
#pragma warning disable CA5350 // The specification says SHA-1; nothing is secured by it.
        return new TextValue("1:" + Convert.ToBase64String(SHA1.HashData(flow)));
#pragma warning restore CA5350
    }
}
