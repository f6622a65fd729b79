using System.Net;
using OtlpTap.Buffers;

namespace OtlpTap.Tests.Buffers;

public sealed class ClientSharesTests
{
    private readonly ClientShares _shares = new(10, 6);

    [Fact]
    public void One_client_has_its_share_and_all_together_have_the_bound()
    {
        Assert.True(_shares.TryTake("ann", 6));
        Assert.False(_shares.TryTake("ann"));
        Assert.True(_shares.TryTake("bob", 4));
        Assert.False(_shares.TryTake("cid"));
        Assert.Equal(10, _shares.Taken);

        _shares.Return("ann", 2);
        Assert.True(_shares.TryTake("cid", 2));
        Assert.False(_shares.TryTake("ann"));
    }

    [Fact]
    public void What_is_given_back_is_there_again()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.True(_shares.TryTake("ann", 6));
            _shares.Return("ann", 6);
        }

        Assert.Equal(0, _shares.Taken);
    }

    [Fact]
    public void What_is_larger_than_the_bound_may_be_there_alone()
    {
        Assert.False(_shares.TryTake("ann", 7));
        Assert.True(_shares.TryGrow("ann", held: 0, 5));
        Assert.True(_shares.TryGrow("ann", held: 5, 20));
        Assert.False(_shares.TryGrow("bob", held: 0, 1));
        _shares.Return("ann", 25);

        Assert.True(_shares.TryTake("bob", 1));
        Assert.False(_shares.TryGrow("ann", held: 0, 7));
    }

    [Theory]
    [InlineData(null, "local")]
    [InlineData("10.1.2.3", "10.1.2.3")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3")]
    [InlineData("2001:db8:1:2:3:4:5:6", "20010db800010002/64")]
    [InlineData("2001:db8:1:2:ffff::1", "20010db800010002/64")]
    public void An_address_is_a_client_and_of_IPv6_the_network_is(string? address, string client) =>
        Assert.Equal(client, ClientNetwork.Of(address is null ? null : IPAddress.Parse(address)));
}
