# What all container builds together may take from the machine, and whom they may talk to.
#
# Type: buildSlice :: { allow, deny } -> sliceConfig
#
# allow, deny: addresses, as systemd.resource-control(5) has them; what is allowed wins.
{ allow, deny }:
{
  # A fifth of what a service has by default, where both want more than there is.
  CPUWeight = 20;
  IOWeight = 20;
  IPAddressAllow = allow;
  IPAddressDeny = deny;
}
