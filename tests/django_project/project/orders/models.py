from django.db import models


class Order(models.Model):
    customer = models.ForeignKey("auth.User", null=True, on_delete=models.CASCADE)
    reference = models.CharField(max_length=20, unique=True)
    placed = models.DateTimeField(auto_now_add=True)


class Line(models.Model):
    order = models.ForeignKey(Order, related_name="lines", on_delete=models.CASCADE)
    product = models.ForeignKey("catalogue.Product", on_delete=models.PROTECT)
    number = models.PositiveSmallIntegerField(default=1)
